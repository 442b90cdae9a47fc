using CloudState.Knative.Tck.Action;
using CloudState.Knative.Tck.Crdts;
using CloudState.Knative.Tck.EventSourced;
using CloudState.Knative.Tck.ValueEntity;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CloudState.Knative.Tck;

/// <summary>All that Cloudstate's conformance tests call: models, targets of their forwards and effects, and entities with options.</summary>
internal static class TckModels
{
    private static readonly TimeSpan ConfiguredPassivation = TimeSpan.FromMilliseconds(100);

    public static CloudStateBuilder AddTckModels(this CloudStateBuilder builder)
    {
        builder.Services.TryAddSingleton<CallLog>();
        return builder
            .AddEntity<EventSourcedTckModelEntity>()
            .AddEntity<EventSourcedTwoEntity>()
            .AddEntity<EventSourcedConfiguredEntity>(options => options.PassivateAfter = ConfiguredPassivation)
            .AddEntity<ValueEntityTckModelEntity>()
            .AddEntity<ValueEntityTwoEntity>()
            .AddEntity<ValueEntityConfiguredEntity>(options => options.PassivateAfter = ConfiguredPassivation)
            .AddEntity<CrdtTckModelEntity>()
            .AddEntity<CrdtTwoEntity>()
            .AddEntity<CrdtConfiguredEntity>(options => options.PassivateAfter = ConfiguredPassivation)
            .AddAction<ActionTckModelAction>()
            .AddAction<ActionTwoAction>();
    }
}
