using System.Globalization;
using CloudState.Knative.Tck.Crdts;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>How a <see cref="CrdtCase"/> writes actions and states.</summary>
internal static class CrdtSteps
{
    /// <summary>The actions of one command.</summary>
    /// <param name="text">The actions, separated by commas, or none.</param>
    /// <param name="type">The type of the state.</param>
    /// <param name="idOf">The ids of targets by their labels.</param>
    public static IEnumerable<RequestAction> Actions(string text, string type, Func<string, string> idOf) =>
        text == "none" ? [] : text.Split(", ").SelectMany(action => Action(action, type, idOf));

    /// <summary>The labels of the targets of actions: of forwards, or of effects.</summary>
    public static string[] Targets(string text, string verb) =>
        [.. text.Split(", ").Select(action => Split(action)).Where(action => action.Verb == verb).Select(action => action.Object)];

    /// <summary>A state, sets and maps in the order in which they came.</summary>
    public static string Text(State? state) => state?.ValueCase switch
    {
        null => "forwarded",
        State.ValueOneofCase.Gcounter => $"{state.Gcounter.Value}",
        State.ValueOneofCase.Pncounter => $"{state.Pncounter.Value}",
        State.ValueOneofCase.Gset => $"{{{string.Join(' ', state.Gset.Elements)}}}",
        State.ValueOneofCase.Orset => $"{{{string.Join(' ', state.Orset.Elements)}}}",
        State.ValueOneofCase.Lwwregister => state.Lwwregister.Value,
        State.ValueOneofCase.Flag => state.Flag.Value ? "true" : "false",
        State.ValueOneofCase.Ormap => $"{{{string.Join(", ", state.Ormap.Entries.Select(entry => $"{entry.Key}: {Text(entry.Value)}"))}}}",
        State.ValueOneofCase.Vote => $"{(state.Vote.SelfVote ? 't' : 'f')}/{state.Vote.VotesFor}/{state.Vote.TotalVoters}",
        _ => "no state",
    };

    private static IEnumerable<RequestAction> Action(string text, string type, Func<string, string> idOf)
    {
        var (verb, rest) = Split(text);
        return verb switch
        {
            "delete" => [new() { Delete = new() }],
            "forward" => [new() { Forward = new() { Id = idOf(rest) } }],
            "effect" => [new() { Effect = new() { Id = idOf(rest) } }],
            "synchronous" => [new() { Effect = new() { Id = idOf(rest), Synchronous = true } }],
            "fail" => [new() { Fail = new() { Message = rest } }],
            _ => Updates(text, type).Select(update => new RequestAction { Update = update }),
        };
    }

    private static IEnumerable<Update> Updates(string text, string type)
    {
        var (verb, rest) = Split(text);
        var words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (type, verb) switch
        {
            ("GCounter", _) => [new() { Gcounter = new() { Increment = Unsigned(verb) }, WriteConsistency = Consistency(rest) }],
            ("PNCounter", _) => [new() { Pncounter = new() { Change = long.Parse(verb, CultureInfo.InvariantCulture) } }],
            ("GSet", "add") => words.Select(element => new Update { Gset = new() { Add = element } }),
            ("ORSet", "add") => words.Select(element => new Update { Orset = new() { Add = element } }),
            ("ORSet", "remove") => words.Select(element => new Update { Orset = new() { Remove = element } }),
            ("ORSet", "clear") => [new() { Orset = new() { Clear = true } }],
            ("LWWRegister", "set") => [new() { Lwwregister = new() { Value = words[0], Clock = Clock(words[1..]) } }],
            ("Flag", "enable") => [new() { Flag = new() }],
            ("Vote", _) => [new() { Vote = new() { SelfVote = verb == "yes" } }],
            ("ORMap", "add") => [new() { Ormap = new() { Add = rest } }],
            ("ORMap", "remove") => [new() { Ormap = new() { Remove = rest } }],
            ("ORMap", "clear") => [new() { Ormap = new() { Clear = true } }],
            ("ORMap", "update") => EntryUpdates(words[0], string.Join(' ', words[1..])),
            _ => throw new ArgumentException($"A {type} has no update '{text}'.", nameof(text)),
        };
    }

    private static IEnumerable<Update> EntryUpdates(string key, string text) =>
        Updates(text, key.Split('-')[0]).Select(inside => new Update { Ormap = new() { Update = new() { Key = key, Update = inside } } });

    private static ulong Unsigned(string number) => ulong.Parse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static UpdateWriteConsistency Consistency(string text) => text.Length == 0 ? UpdateWriteConsistency.Local : Enum.Parse<UpdateWriteConsistency>(text, ignoreCase: true);

    private static LWWRegisterClock Clock(string[] words) => words.Length == 0 ? new() : new()
    {
        ClockType = Enum.Parse<LWWRegisterClockType>(words[0].Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
        CustomClockValue = words.Length > 1 ? long.Parse(words[1], CultureInfo.InvariantCulture) : 0,
    };

    private static (string Verb, string Object) Split(string action)
    {
        var words = action.Split(' ', 2);
        return (words[0], words.Length > 1 ? words[1] : "");
    }
}
