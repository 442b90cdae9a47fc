using CloudState.Knative.Protobuf;
using Google.Protobuf;
using JasperFx.Events;

namespace CloudState.Knative.Marten.Documents;

/// <summary>Events as Marten has them: objects of classes, and therefore messages in place of primitive values.</summary>
internal static class MartenEvents
{
    public static object Wrap(object newEvent, StoredTypes types) => types.Of(newEvent) is IPrimitiveType primitive ? primitive.Wrap(newEvent) : newEvent;

    public static object Unwrap(IEvent stored) =>
        PrimitiveTypes.FindWrapped(stored.Data.GetType()) is IPrimitiveType primitive ? primitive.Unwrap((IMessage)stored.Data) : stored.Data;
}
