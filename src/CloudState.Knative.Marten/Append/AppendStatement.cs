using System.Collections.Concurrent;
using CloudState.Knative.Marten.Sections;
using Npgsql;

namespace CloudState.Knative.Marten.Append;

/// <summary>
/// The statement of a <see cref="SetBasedAppend"/>, made of the sections that a batch has something for. Each combination is a statement of its own, which PostgreSQL keeps
/// prepared.
/// </summary>
internal sealed class AppendStatement(FenceSection fence, IReadOnlyList<AppendSection> sections)
{
    private readonly ConcurrentDictionary<long, string> _texts = new();

    /// <summary>Adds the parameters of a batch and returns the text for it.</summary>
    public string Prepare(NpgsqlParameterCollection collection, IReadOnlyList<StreamAppend> batch, Guid? memberId)
    {
        var parameters = new AppendParameters(collection);
        var combination = 0L;
        if (memberId is { } member)
        {
            parameters.Add(member);
            combination = 1;
        }

        for (var index = 0; index < sections.Count; index++)
        {
            if (sections[index].TryAdd(batch, parameters))
            {
                combination |= 2L << index;
            }
        }

        return _texts.GetOrAdd(combination, Compose);
    }

    private string Compose(long combination)
    {
        var isFenced = (combination & 1) != 0;
        AppendSection[] present = [.. sections.Where((_, index) => (combination & (2L << index)) != 0)];
        var text = new StatementText(present.ToHashSet());
        string[] expressions =
        [
            .. isFenced ? [fence.Sql(text)] : Array.Empty<string>(),
            $"permitted as (select true {(isFenced ? "from member" : "")})",
            .. present.Select(section => section.Sql(text)),
        ];
        var found = Sum(present.Select(section => section.Found(text)));
        var expected = Sum(present.Select(section => section.Expected));

        // The entities that are where they were expected; otherwise a division by zero undoes everything.
        return
            $"""
            with {string.Join(",\n", expressions)}
            select case
              when not exists (select from permitted) then false
              else 1 / (case when {found} = {expected} then 1 else 0 end) = 1
            end, now()
            """;

        // A batch that changes no state, such as records of commands for replicated entities, has nothing to count.
        static string Sum(IEnumerable<string?> counts) => string.Join(" + ", counts.OfType<string>().DefaultIfEmpty("0"));
    }
}
