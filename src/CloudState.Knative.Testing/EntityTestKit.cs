using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;

namespace CloudState.Knative.Testing;

/// <summary>Runs the commands of one entity in a test, without a host and a store.</summary>
/// <example>
/// <code>
/// var cart = EntityTestKit.Create(() => new ShoppingCartEntity(), "alice");
/// cart.Given(new ItemAdded { … });
/// var result = await cart.WhenAsync(new RemoveLineItem { UserId = "alice", ProductId = "p1" });
/// Assert.Equal([new ItemRemoved { ProductId = "p1" }], result.Events);
/// </code>
/// </example>
[SuppressMessage("ApiDesign", "RS0026", Justification = "The first parameter tells the overloads apart.")]
public static class EntityTestKit
{
    /// <summary>Makes a kit for an event sourced entity.</summary>
    /// <param name="create">Makes the entity, with whatever its constructor takes, such as a fake <see cref="TimeProvider"/>. A new one each time: the kit loads the entity again and again.</param>
    /// <param name="key">The key; null, the default, takes that of the first command.</param>
    /// <param name="json">What the service gives to <c>UseJson</c>; null, the default, when it stores nothing but messages and primitive types.</param>
    /// <exception cref="EntityDefinitionException">The class does not fit its service.</exception>
    /// <exception cref="TestKitException">A type is stored as JSON, but <paramref name="json"/> is missing.</exception>
    public static EventSourcedTestKit<TState> Create<TState>(Func<EventSourcedEntity<TState>> create, string? key = null, IJsonTypeInfoResolver? json = null)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(create);
        return new EventSourcedTestKit<TState>(new EntityUnderTest(create, json), key);
    }

    /// <summary>Makes a kit for a value entity.</summary>
    /// <inheritdoc cref="Create{TState}(Func{EventSourcedEntity{TState}}, string?, IJsonTypeInfoResolver?)"/>
    public static ValueTestKit<TState> Create<TState>(Func<ValueEntity<TState>> create, string? key = null, IJsonTypeInfoResolver? json = null)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(create);
        return new ValueTestKit<TState>(new EntityUnderTest(create, json), key);
    }

    /// <summary>Makes a kit for a CRDT entity.</summary>
    /// <param name="create">Makes the entity, with whatever its constructor takes. A new one each time: the kit loads the entity again and again.</param>
    /// <param name="key">The key; null, the default, takes that of the first command.</param>
    /// <exception cref="EntityDefinitionException">The class does not fit its service.</exception>
    public static CrdtTestKit<TState> Create<TState>(Func<CrdtEntity<TState>> create, string? key = null)
        where TState : Crdt, new()
    {
        ArgumentNullException.ThrowIfNull(create);
        return new CrdtTestKit<TState>(new EntityUnderTest(create, json: null), key);
    }
}
