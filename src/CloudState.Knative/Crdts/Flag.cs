using System.Text.Json;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>Off, until a process switches it on. It stays on; one that has to go off again is an entry of a map, which is removed.</summary>
/// <example>
/// <code>
/// var closed = new Flag();
/// closed.Enable(); // closed.Value is true
/// </code>
/// </example>
public sealed class Flag : Crdt
{
    /// <summary>Makes a flag that is off and belongs to no entity.</summary>
    public Flag()
        : base(Kind.Flag)
    {
    }

    /// <summary>Whether it is on.</summary>
    public bool Value => ((Lattices.Flag)Site.Content).IsOn;

    /// <summary>Switches it on.</summary>
    public void Enable() => Site.Change<Lattices.Flag>((flag, _) => flag.Enable());

    internal override void WriteJson(Utf8JsonWriter json) => json.WriteBooleanValue(Value);
}
