using System.Collections.Frozen;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Journal;
using CloudState.Knative.Memory;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Hosting;

/// <summary>Builds the runtime of a service: a table of activations for each entity type, and one journal for all.</summary>
internal static class RuntimeFactory
{
    public static EntityRuntime Create(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<CloudStateOptions>>().Value;
        var journal = new JournalWriter(
            provider.GetRequiredService<IEntityStore>(), provider.GetRequiredService<TypeJournals>().ByType,
            provider.GetRequiredService<StoreHealth>(), options.MaxBatchSize, provider.GetRequiredService<ILogger<JournalWriter>>());
        var runtime = new EntityRuntime(
            provider.GetServices<EntityRegistration>().ToDictionary(
                entity => entity.Definition.EntityType, entity => CreateTable(provider, entity, options, journal)),
            journal,
            provider.GetRequiredService<TimeProvider>());
        provider.GetRequiredService<MemoryLimit>().ReleaseBy(runtime.PassivateHalf);
        return runtime;
    }

    private static long MaxStateSize(EntityOptions options, MemoryLimit memory) => options.MaxStateSize ?? Math.Min(memory.Bytes / 64, 16 * 1024 * 1024);

    /// <summary>Types that are not consumed have no journal, and pay nothing for it.</summary>
    public static TypeJournals CreateJournals(IServiceProvider provider)
    {
        var consumed = provider.GetRequiredService<JournalSubscriptions>().All.Select(subscription => subscription.EntityType).ToHashSet();
        return new TypeJournals(provider.GetRequiredService<EntityDefinitions>().All
            .Where(entity => entity.Model.HasJournal && consumed.Contains(entity.EntityType))
            .ToFrozenDictionary(
                entity => entity.EntityType,
                entity => new TypeJournal(
                    entity.EntityType, provider.GetRequiredService<IEntityStore>().Journal, provider.GetRequiredService<ClusterState>(), provider.GetRequiredService<StoredTypes>())));
    }

    private static ActivationTable CreateTable(IServiceProvider provider, EntityRegistration entity, CloudStateOptions options, JournalWriter journal)
    {
        var entityOptions = OptionsOf(entity, options);
        var (limits, time, outbox, memory) = (
            provider.GetRequiredService<CallLimits>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<OwnedOutbox>(),
            provider.GetRequiredService<MemoryLimit>());
        var environment = new EntityEnvironment(entity.InstanceFactory(provider), provider.GetRequiredService<StoredTypes>(), entityOptions, provider.GetRequiredService<ClusterState>(), time);
        var loader = new EntityLoader(
            entity.Definition.Model, environment, provider.GetRequiredService<TypeJournals>().ByType.ContainsKey(entity.Definition.EntityType),
            provider.GetRequiredService<IEntityStore>(), provider.GetRequiredService<StoreHealth>(), limits, memory, time);
        var runner = new CommandRunner(
            provider.GetRequiredService<CallTargets>(), [.. ContributorsOf(provider, entity.Definition)], outbox, limits, MaxStateSize(entityOptions, memory), memory, time,
            provider.GetRequiredService<ILogger<CommandRunner>>());
        return new ActivationTable(
            loader, runner, entityOptions, journal, outbox, provider.GetRequiredService<TimerSchedule>(), provider.GetRequiredService<ReplicaOutput>(),
            provider.GetRequiredService<LocalFlush>(), entity.Definition.Model.IsReplicated ? options.Crdt.Level : null, time);
    }

    private static EntityOptions OptionsOf(EntityRegistration entity, CloudStateOptions options)
    {
        var entityOptions = options.Entities.Copy();
        entity.Configure?.Invoke(entityOptions);
        CloudStateOptionsValidation.Check(entity.Definition.EntityClass, entityOptions);
        return entityOptions;
    }

    private static IEnumerable<IOutboxContributor> ContributorsOf(IServiceProvider provider, EntityDefinition definition)
    {
        if (definition.Commands.Values.Any(command => command.OutTopic is not null))
        {
            yield return new ReplyPublisher(provider.GetRequiredService<TopicEvents>());
        }

        // Events can be read from the journal; of values there is only the latest.
        var subscriptions = provider.GetRequiredService<JournalSubscriptions>().All
            .Where(subscription => subscription.EntityType == definition.EntityType).ToArray();
        if (!definition.Model.HasJournal && subscriptions.Length > 0)
        {
            yield return new ValueAnnouncer(subscriptions, provider.GetRequiredService<StoredTypes>(), provider.GetRequiredService<TimeProvider>());
        }
    }
}
