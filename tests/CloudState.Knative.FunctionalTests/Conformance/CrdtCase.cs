using System.Text.RegularExpressions;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>
/// A case of Cloudstate's conformance kit for CRDT entities, as its callers see it. Steps are separated by <c>;</c>, actions of one command by <c>,</c>.
/// <list type="bullet">
/// <item><c>+1, +2 → 3</c> is a command with these actions, and the state in its reply; <c>→ ! no</c> is its failure, <c>→ forwarded</c> the reply of a target.</item>
/// <item><c>Δ +2</c> is a change by another pod, which the one that is asked next has to hear of; <c>Δ2</c> by that pod.</item>
/// <item><c>init</c> takes the entity into memory, in all pods; <c>passivate</c> and <c>restart</c> out of it; <c>new</c> goes on with another entity.</item>
/// <item><c>shows x</c> waits until all pods show that state; <c>watch → x</c> begins a stream, <c>M x</c> is its next message, <c>unwatch</c> ends it.</item>
/// </list>
/// Keys of maps are short: <c>PN1</c> is PNCounter-1.
/// </summary>
/// <param name="Number">The case's place in the kit, from 1.</param>
/// <param name="Type">The type of its state, which its id begins with.</param>
/// <param name="Name">What the kit calls it.</param>
/// <param name="Steps">The steps; empty if a test of its own has them, or if it cannot be run.</param>
internal sealed partial record CrdtCase(int Number, string Type, string Name, string Steps = "")
{
    public string Steps { get; } = ShortKey().Replace(Steps, match => $"{TypeOf(match.Groups[1].Value)}-{match.Groups[2].Value}");

    /// <summary>What of the case this library does not have; null if it is complete.</summary>
    public string? Without { get; init; }

    /// <summary>The test that has the steps.</summary>
    public string? Test { get; init; }

    /// <summary>Whether other pods vote, which one pod alone cannot have.</summary>
    public bool NeedsOthers { get; init; }

    [GeneratedRegex(@"\b(GC|PN|GS|OS|LW|FL|OM)(\d)\b")]
    private static partial Regex ShortKey();

    private static string TypeOf(string shortType) => shortType switch
    {
        "GC" => "GCounter",
        "PN" => "PNCounter",
        "GS" => "GSet",
        "OS" => "ORSet",
        "LW" => "LWWRegister",
        "FL" => "Flag",
        _ => "ORMap",
    };
}
