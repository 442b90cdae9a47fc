using System.Reflection;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;

namespace CloudState.Knative.EventSourced;

/// <summary>Reads what an event sourced entity class does with what is stored: <c>Apply</c>, <c>Upcast</c>, <c>Snapshot</c> and <c>Restore</c>.</summary>
internal sealed class EventHandlersReader(HandlerClass handlerClass)
{
    private const string StorableTypes = "a protobuf message, a string, int, long, float, double, bool or ByteString, or a class that is stored as JSON";

    private readonly List<StoredTypeUse> _stored = [];

    public IReadOnlyList<StoredTypeUse> StoredTypes => _stored;

    public EventHandlers Read(EventSourcedEntityAttribute attribute)
    {
        var handlers = new Dictionary<Type, Action<Entity, object>>();
        foreach (var method in handlerClass.Reserve("Apply"))
        {
            if (method.ReturnType != typeof(void) || method.GetParameters() is not [var parameter] || !IsStorable(parameter.ParameterType))
            {
                throw handlerClass.Wrong($"has an event handler '{method}' of the wrong shape. Write: public void Apply(YourEvent @event), where YourEvent is {StorableTypes}.");
            }

            handlers.Add(parameter.ParameterType, HandlerBinding.Action(method, handlerClass.Type, parameter.ParameterType));
            _stored.Add(Use(method, parameter.ParameterType));
        }

        if (attribute.Events.FirstOrDefault(declared => !handlers.ContainsKey(declared)) is { } unhandled)
        {
            throw handlerClass.Wrong($"declares the event {unhandled.Name} but has no event handler for it. Add: public void Apply({unhandled.Name} @event)");
        }

        if (attribute.Events.Length > 0 && handlers.Keys.FirstOrDefault(handled => !attribute.Events.Contains(handled)) is { } undeclared)
        {
            throw handlerClass.Wrong($"handles the event {undeclared.Name}, which its attribute does not declare. Add typeof({undeclared.Name}) to Events, or remove Apply({undeclared.Name}).");
        }

        return new EventHandlers(handlerClass.Type, handlers, ReadUpcasters(handlers.Keys));
    }

    public SnapshotHandlers? ReadSnapshots(EventSourcedEntityAttribute attribute, Type state)
    {
        var take = handlerClass.Reserve("Snapshot").FirstOrDefault();
        var restore = handlerClass.Reserve("Restore").FirstOrDefault();
        if (take is not null || restore is not null)
        {
            var fits = take is not null && restore is not null
                && take.GetParameters().Length == 0 && IsStorable(take.ReturnType)
                && restore.ReturnType == typeof(void) && restore.GetParameters() is [var parameter] && parameter.ParameterType == take.ReturnType;
            if (!fits)
            {
                throw handlerClass.Wrong($"has Snapshot and Restore methods that do not fit. Write both: public TheSnapshot Snapshot() and public void Restore(TheSnapshot snapshot), where TheSnapshot is {StorableTypes}.");
            }

            _stored.Add(Use(restore!, take!.ReturnType));
            return new SnapshotHandlers(HandlerBinding.Function(take, handlerClass.Type, take.ReturnType), HandlerBinding.Action(restore!, handlerClass.Type, take.ReturnType));
        }

        if (StoredTypeUse.IsMessageType(state))
        {
            _stored.Add(new StoredTypeUse(state));
            return SnapshotHandlers.State;
        }

        return attribute.SnapshotEvery < 0
            ? null
            : throw handlerClass.Wrong($"keeps its state in {state.Name}, which is no protobuf message. Add public TheSnapshot Snapshot() and public void Restore(TheSnapshot snapshot), or set SnapshotEvery = -1 to store no snapshots.");
    }

    private Dictionary<Type, Func<Entity, object, object>> ReadUpcasters(IReadOnlyCollection<Type> events)
    {
        var upcasters = new Dictionary<Type, Func<Entity, object, object>>();
        var methods = handlerClass.Reserve("Upcast");
        foreach (var method in methods)
        {
            var newEvent = method.ReturnType;
            if (method.GetParameters() is not [var parameter] || !parameter.ParameterType.IsClass || !newEvent.IsClass || !IsStorable(parameter.ParameterType))
            {
                throw handlerClass.Wrong($"has an upcaster '{method}' of the wrong shape. Write: public TheNewEvent Upcast(TheOldEvent old), with classes for both.");
            }

            var oldEvent = parameter.ParameterType;
            if (events.Contains(oldEvent))
            {
                throw handlerClass.Wrong($"has both Upcast({oldEvent.Name}) and Apply({oldEvent.Name}). Keep one of them.");
            }

            if (!events.Contains(newEvent) && !Array.Exists(methods, other => other.GetParameters() is [var input] && input.ParameterType == newEvent && newEvent != oldEvent))
            {
                throw handlerClass.Wrong($"turns {oldEvent.Name} into {newEvent.Name} but has no event handler for that. Add: public void Apply({newEvent.Name} @event)");
            }

            upcasters.Add(oldEvent, HandlerBinding.Conversion(method, handlerClass.Type, oldEvent, newEvent));
            _stored.Add(Use(method, oldEvent));
        }

        return upcasters;
    }

    private static StoredTypeUse Use(MethodInfo method, Type type) => new(type, [.. method.GetCustomAttributes<FormerNameAttribute>().Select(former => former.Name)]);

    private static bool IsStorable(Type type) =>
        PrimitiveTypes.Find(type) is not null
        || (type.IsClass && !type.IsAbstract && type != typeof(object) && type != typeof(string) && !type.IsArray && !typeof(Delegate).IsAssignableFrom(type) && !typeof(Task).IsAssignableFrom(type));
}
