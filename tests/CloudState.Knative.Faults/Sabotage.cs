using CloudState.Knative.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CloudState.Knative.Faults;

/// <summary>
/// Breaks one guarantee of a pod on purpose, through dependency injection only: a suite that does not notice would be worth nothing.
/// </summary>
internal static class Sabotage
{
    public const string Fence = "fence";

    /// <summary>Of pods with replicated entities.</summary>
    public const string Early = "early";

    private const string SelfFencing = "self-fencing";

    /// <summary>Those of pods with carts.</summary>
    public static IReadOnlyList<string> Names { get; } = [Fence, SelfFencing];

    public static void Apply(CloudStateBuilder cloudState, string name)
    {
        var original = cloudState.Services.Single(service => service.ServiceType == typeof(IEntityStore)).ImplementationFactory!;
        cloudState.Services.Replace(ServiceDescriptor.Singleton<IEntityStore>(provider => name switch
        {
            Fence => new UnfencedStore((IEntityStore)original(provider)),
            SelfFencing => new DeceivedStore((IEntityStore)original(provider)),
            Early => new EarlyStore((IEntityStore)original(provider)),
            _ => throw new ArgumentException($"There is no sabotage '{name}'.", nameof(name)),
        }));
    }

    /// <summary>Appends without looking whether the pod is still a member.</summary>
    private sealed class UnfencedStore(IEntityStore store) : DecoratedStore(store)
    {
        public override Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) =>
            base.AppendAsync(batch, memberId: null, cancellationToken);
    }

    /// <summary>Says that it has stored what it stores one after another later: what replicas add is announced and acknowledged too early.</summary>
    private sealed class EarlyStore(IEntityStore store) : DecoratedStore(store)
    {
        private readonly Lock _lock = new();
        private Task _last = Task.CompletedTask;

        public override Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken)
        {
            lock (_lock)
            {
                _last = AppendAfterAsync(_last, batch, memberId);
            }

            return Task.FromResult<DateTimeOffset?>(null);
        }

        private async Task AppendAfterAsync(Task earlier, IReadOnlyList<EntityAppend> batch, Guid? memberId)
        {
            await earlier.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await base.AppendAsync(batch, memberId, CancellationToken.None);
        }
    }

    /// <summary>Lets the pod believe that its lease was renewed, whatever has happened.</summary>
    private sealed class DeceivedStore(IEntityStore store) : DecoratedStore(store)
    {
        public override IMemberStore Members { get; } = new DeceivedMembers(store.Members!);
    }

    private sealed class DeceivedMembers(IMemberStore members) : IMemberStore
    {
        private MemberList? _last;

        public async Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(
            Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots, CancellationToken cancellationToken)
        {
            var joined = await members.JoinAsync(member, previousIds, lease, slots, cancellationToken);
            _last = joined.Members;
            return joined;
        }

        public async Task<MemberList?> RenewAsync(Guid memberId, bool isLeaving, TimeSpan lease, CancellationToken cancellationToken)
        {
            try
            {
                _last = await members.RenewAsync(memberId, isLeaving, lease, cancellationToken) ?? _last;
            }
            catch (StoreUnavailableException)
            {
            }

            return _last;
        }

        public Task<IReadOnlyList<Slot>> ClaimAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) =>
            members.ClaimAsync(memberId, slots, cancellationToken);

        public Task ReleaseAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) =>
            members.ReleaseAsync(memberId, slots, cancellationToken);

        public Task LeaveAsync(Guid memberId, CancellationToken cancellationToken) => members.LeaveAsync(memberId, cancellationToken);

        public Task WaitForChangeAsync(CancellationToken cancellationToken) => members.WaitForChangeAsync(cancellationToken);

        public ValueTask DisposeAsync() => members.DisposeAsync();
    }
}
