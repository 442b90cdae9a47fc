using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CloudState.Knative.Calls;

/// <summary>
/// The ids under which commands take effect once. What comes from a client begins with a word for the edge, so that no client can send an id of another edge, or one that
/// this library makes.
/// </summary>
/// <remarks>
/// <code>
/// key/order-7                        Idempotency-Key: order-7
/// event//webshop 42                  a CloudEvent: its source, which holds no space, and its id
/// log//shop/cart cart/alice/2        event 2 of alice's cart, for the default consumer group of an rpc; other groups follow their name
/// call/1/key/order-7                 the first call that an action has requested when it was called with this id
/// 0199c0ffee…                        effects, forwards and timers of entities, and commands without an id: random
/// </code>
/// Earlier releases made the same ids without the words: see <see cref="FormerOf"/> and <see cref="OfEarlierRelease"/>.
/// </remarks>
internal static class CommandIds
{
    private const string Key = "key/";
    private const string Event = "event/";
    private const string Log = "log/";
    private const string Call = "call/";

    // What earlier releases take as Idempotency-Key.
    private const int MaxHeaderLength = 256;

    public static string OfKey(string key) => Key + key;

    public static string OfEvent(string source, string id) => $"{Event}{source} {id}";

    /// <param name="source">The source of the event.</param>
    /// <param name="id">Its id.</param>
    /// <param name="group">The consumer group; null for the default one.</param>
    public static string OfLog(string source, string id, string? group) => group is null ? $"{Log}{source} {id}" : $"{Log}{source} {id} {group}";

    /// <param name="caller">The id of the call that led to it.</param>
    /// <param name="number">Its number among those that this one has requested.</param>
    public static string OfCall(string caller, int number) => string.Create(CultureInfo.InvariantCulture, $"{Call}{number}/{caller}");

    /// <summary>
    /// What an earlier release, in whose records it may be, called the same command; empty if it is as it was, or cannot be told from another one. That of an event log is
    /// not needed: an entity knows by its position which of them it has handled.
    /// </summary>
    public static ReadOnlySpan<char> FormerOf(string id)
    {
        var former = id.StartsWith(Log, StringComparison.Ordinal) ? default : WithoutWord(id);
        return HasWord(former) ? default : former;
    }

    /// <summary>The id of a command that a pod or a stored delivery of an earlier release brings.</summary>
    /// <param name="former">Its id.</param>
    /// <param name="isFromLog">Whether it is an event of an event log.</param>
    public static string OfEarlierRelease(string former, bool isFromLog) =>
        HasWord(former) || IsGenerated(former) ? former : (isFromLog ? Log : former.Contains(' ') ? Event : Key) + former;

    /// <summary>The id of a command that a pod of an earlier release brings, and that an action there has requested.</summary>
    public static string OfCallOfEarlierRelease(string former) =>
        former.LastIndexOf(' ') is > 0 and var end && int.TryParse(former.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? OfCall(OfEarlierRelease(former[..end], isFromLog: false), number)
            : OfEarlierRelease(former, isFromLog: false);

    /// <summary>What a client is told whose key is too long.</summary>
    public static string TooLong(int maxLength) =>
        $"Idempotency-Key must be given once and have at most {maxLength} characters (CloudState:MaxCommandIdLength).";

    /// <summary>The id as the client knows it.</summary>
    public static string ToText(string id) => WithoutWord(id) is { IsEmpty: false } text ? text.ToString() : id;

    /// <summary>The id for another service, as a header: the id itself if it fits.</summary>
    public static string ToHeader(string id) => id.Length <= MaxHeaderLength && !id.AsSpan().ContainsAnyExceptInRange(' ', '~')
        ? id
        : $"sha256/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}";

    private static bool HasWord(ReadOnlySpan<char> id) => id.StartsWith(Key) || id.StartsWith(Event) || id.StartsWith(Log) || id.StartsWith(Call);

    private static ReadOnlySpan<char> WithoutWord(string id)
    {
        if (!id.StartsWith(Call, StringComparison.Ordinal))
        {
            return HasWord(id) ? id.AsSpan(id.IndexOf('/', StringComparison.Ordinal) + 1) : default;
        }

        var number = id.AsSpan(Call.Length);
        var end = number.IndexOf('/');
        return WithoutWord(id[(Call.Length + end + 1)..]) is { IsEmpty: false } caller ? $"{caller} {number[..end]}" : default;
    }

    /// <summary>Whether it begins as a GUID of this library.</summary>
    private static bool IsGenerated(string id) => id.Length >= 32 && !id.AsSpan(0, 32).ContainsAnyExcept("0123456789abcdef");
}
