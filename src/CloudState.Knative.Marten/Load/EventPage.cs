using System.Buffers.Text;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Marten.Load;

/// <summary>
/// Some of a stream's events as one text: a row for each would cost more than what is in it. An event is two lines, of its version and its type, and of its
/// JSON, in which PostgreSQL leaves no line break: <c>7 com.example.ItemAdded⏎{"item": {"productId": "p1"}}</c>.
/// </summary>
internal static class EventPage
{
    /// <summary>Aggregates rows of <c>mt_events</c>.</summary>
    public const string Expression = @"string_agg(case when mt_dotnet_type <> '' then '*' else '' end || version || ' ' || type || E'\n' || data::text, E'\n')";

    /// <summary>What to group them by. PostgreSQL's limit of a text is 1 GB; an event is about as large as a request, of 4 MB at most by default.</summary>
    public const string Number = "version / 32";

    /// <summary>The events of all pages, by their versions.</summary>
    /// <exception cref="UnreadableEntityException">A page is not what the <see cref="Expression"/> makes of sensible rows.</exception>
    public static List<EventRow> Read(List<byte[]> pages)
    {
        var events = new List<EventRow>(pages.Sum(page => (page.AsSpan().Count((byte)'\n') / 2) + 1));
        foreach (var page in pages)
        {
            ReadOnlyMemory<byte> rest = page;
            while (rest.Length > 0)
            {
                var head = NextLine(ref rest);
                var isAdopted = head.Span.StartsWith("*"u8);
                head = isAdopted ? head[1..] : head;
                if (!Utf8Parser.TryParse(head.Span, out long version, out var length))
                {
                    throw new UnreadableEntityException("the name of an event's type has a line break.");
                }

                events.Add(new EventRow(version, head[(length + 1)..], NextLine(ref rest), isAdopted));
            }
        }

        events.Sort(static (left, right) => left.Version.CompareTo(right.Version));
        return events;
    }

    private static ReadOnlyMemory<byte> NextLine(ref ReadOnlyMemory<byte> text)
    {
        var end = text.Span.IndexOf((byte)'\n');
        var line = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return line;
    }
}

/// <summary>An event as its page has it.</summary>
internal readonly record struct EventRow(long Version, ReadOnlyMemory<byte> Type, ReadOnlyMemory<byte> Json, bool IsAdopted);
