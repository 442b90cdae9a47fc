using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative;

/// <summary>One value. Of those that processes set concurrently one wins, in all copies the same: the last one, unless an <see cref="LwwClock"/> says otherwise.</summary>
/// <remarks>A message that is handed out is a copy: what is done to it has no effect without <see cref="Set(T)"/>.</remarks>
/// <example>
/// <code>
/// var title = new LwwRegister&lt;string&gt;();
/// title.Set("draft");
/// title.Set("final"); // title.Value is "final"
/// </code>
/// </example>
/// <inheritdoc cref="CrdtSet{T}" path="/typeparam"/>
public sealed class LwwRegister<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T> : Crdt
    where T : notnull
{
    private readonly ElementCodec<T> _codec = ElementCodecs.Of<T>();

    /// <summary>Makes a register without a value that belongs to no entity.</summary>
    /// <exception cref="EntityDefinitionException">Values cannot be of this type.</exception>
    public LwwRegister()
        : base(Kind.LwwRegister)
    {
    }

    /// <summary>Whether a value was set.</summary>
    public bool IsSet => Stored is not null;

    /// <summary>The value; the default of its type, such as null or 0, if none was set.</summary>
    public T? Value => Stored is { } stored ? _codec.Read(stored) : default;

    private ByteString? Stored => ((Register)Site.Content).Value;

    /// <summary>Sets the value, with <see cref="LwwClock.Default"/>.</summary>
    /// <exception cref="ArgumentException">The value is a text that is no valid UTF-16.</exception>
    public void Set(T value) => Set(value, LwwClock.Default);

    /// <summary>Sets the value. Nothing changes if the clock of the present value is higher.</summary>
    /// <param name="value">The value.</param>
    /// <param name="clock">How its clock comes about.</param>
    /// <param name="customClock">The clock, for <see cref="LwwClock.Custom"/> and <see cref="LwwClock.CustomAutoIncrement"/>; others ignore it.</param>
    /// <exception cref="ArgumentException">The value is a text that is no valid UTF-16, or the kind of clock does not exist.</exception>
    public void Set(T value, LwwClock clock, long customClock = 0)
    {
        var bytes = _codec.Write(value);
        var now = Site.Surroundings.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var (registerClock, time) = clock switch
        {
            LwwClock.Default => (RegisterClock.Default, now),
            LwwClock.Reverse => (RegisterClock.Reverse, now),
            LwwClock.Custom => (RegisterClock.Custom, customClock),
            LwwClock.CustomAutoIncrement => (RegisterClock.CustomAutoIncrement, customClock),
            _ => throw new ArgumentOutOfRangeException(nameof(clock), clock, null),
        };
        Site.Change<Register>((register, stamp) => register.Set(bytes, registerClock, time, stamp));
    }

    internal override void WriteJson(Utf8JsonWriter json)
    {
        if (Stored is { } stored)
        {
            _codec.WriteJson(json, _codec.Read(stored));
        }
        else
        {
            json.WriteNullValue();
        }
    }
}
