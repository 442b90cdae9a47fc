using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>
/// The database of the simulated world: members, slots, and one list of values per key. Requests and answers take their time, get lost, and
/// sometimes a request is carried out long after its sender has given it up.
/// </summary>
internal sealed class SimulatedStore(SimulatedWorld world, bool isFencing)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(1);

    private readonly SimulatedWorld _world = world;
    private readonly Dictionary<Guid, Row> _members = [];
    private readonly Dictionary<Slot, Guid> _owners = [];
    private readonly Dictionary<string, List<int>> _values = [];

    /// <summary>How often a call is answered too late or not at all, without there being a partition.</summary>
    public double Unreliability { get; set; } = 0.01;

    private event Action<SimulatedProcess>? Changed;

    public IReadOnlyList<int> ValuesOf(string key) => Values(key);

    public IMemberStore ConnectMember(SimulatedProcess process) => new Connection(this, process);

    public Task<int[]> LoadAsync(SimulatedProcess process, string key) => CallAsync(process, () => Values(key).ToArray());

    /// <summary>Appends in a transaction that takes a while; the member's row is locked meanwhile.</summary>
    public Task AppendAsync(SimulatedProcess process, Guid memberId, string key, int expectedVersion, int value)
    {
        var committed = new TaskCompletionSource<bool>();
        var isOpen = false;
        return CallAsync(process, () =>
        {
            _members.TryGetValue(memberId, out var member);
            if (!isOpen)
            {
                if (isFencing && member is null)
                {
                    throw new FencedException("gone");
                }

                isOpen = true;
                member?.Locks += 1;
                throw new StillRunningException(_world.Between(0, 0.02));
            }

            member?.Locks -= 1;
            if (Values(key).Count != expectedVersion)
            {
                throw new VersionConflictException("conflict");
            }

            Values(key).Add(value);
            return true;
        });
    }

    private Task<T> CallAsync<T>(SimulatedProcess process, Func<T> execute)
    {
        var answer = new TaskCompletionSource<T>();
        var isSlow = _world.Chance(Unreliability);
        var isExecuted = !process.IsCutOff || _world.Chance(0.5);
        var isAnswered = !process.IsCutOff && !_world.Chance(Unreliability / 2);
        if (isExecuted)
        {
            _world.Schedule(process.IsCutOff || isSlow ? _world.Between(0, 8) : _world.Between(0, 0.003), Execute);
        }

        _world.Schedule(CallTimeout, () => answer.TrySetException(new StoreUnavailableException("no answer")), process);
        return answer.Task;

        void Execute()
        {
            try
            {
                var result = execute();
                Answer(() => answer.TrySetResult(result));
            }
            catch (StillRunningException running)
            {
                _world.Schedule(running.For, Execute);
            }
            catch (Exception refused)
            {
                Answer(() => answer.TrySetException(refused));
            }
        }

        void Answer(Action give)
        {
            if (isAnswered && !process.IsCutOff)
            {
                _world.Schedule(_world.Between(0, 0.003), give, process);
            }
        }
    }

    private List<int> Values(string key) => _values.TryGetValue(key, out var values) ? values : _values[key] = [];

    private void Delete(Guid memberId)
    {
        if (_members.GetValueOrDefault(memberId) is { Locks: > 0 })
        {
            throw new StillRunningException(TimeSpan.FromMilliseconds(5));
        }

        if (_members.Remove(memberId))
        {
            foreach (var (slot, _) in _owners.Where(owned => owned.Value == memberId).ToArray())
            {
                _owners.Remove(slot);
            }
        }
    }

    private bool Sweep(Guid self)
    {
        var ended = _members.Values.Where(row => row.Member.Id != self && row.LeaseUntil < _world.Now && row.Locks == 0).ToArray();
        Array.ForEach(ended, row => Delete(row.Member.Id));
        return ended.Length > 0;
    }

    private MemberList List(Guid self) => new(
        [.. _members.Values.Select(row => row.Member).OrderBy(member => member.Id)],
        _members.Values.Where(row => row.Member.Id != self && row.LeaseUntil > _world.Now).Select(row => (TimeSpan?)(row.LeaseUntil - _world.Now)).Min());

    private sealed class Row(Member member)
    {
        public Member Member { get; set; } = member;

        public TimeSpan LeaseUntil { get; set; }

        public int Locks { get; set; }
    }

    /// <summary>What a call waits for inside the database.</summary>
    private sealed class StillRunningException(TimeSpan duration) : Exception
    {
        public TimeSpan For { get; } = duration;
    }

    private sealed class Connection : IMemberStore
    {
        private readonly SimulatedStore _store;
        private readonly SimulatedProcess _process;
        private TaskCompletionSource _changed = new();

        public Connection(SimulatedStore store, SimulatedProcess process)
        {
            _store = store;
            _process = process;
            store.Changed += by =>
            {
                if (by != process && !process.IsCutOff)
                {
                    store._world.Schedule(store._world.Between(0, 0.003), () => _changed.TrySetResult(), process);
                }
            };
        }

        public Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(
            Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots, CancellationToken cancellationToken) => _store.CallAsync(_process, () =>
            {
                foreach (var previous in previousIds)
                {
                    _store.Delete(previous);
                }

                _store.Sweep(member.Id);
                var seat = Enumerable.Range(1, int.MaxValue - 1).First(seat => _store._members.Values.All(row => row.Member.Seat != seat));
                _store._members.Add(member.Id, new Row(member with { Seat = seat }) { LeaseUntil = _store._world.Now + lease });
                var isAlone = _store._members.Values.All(row => row.Member.Id == member.Id || row.Member.IsLeaving);
                var claimed = isAlone ? Claim(member.Id, from type in member.EntityTypes.Keys from number in Enumerable.Range(0, slots) select new Slot(type, number)) : [];
                _store.Changed?.Invoke(_process);
                return (_store.List(member.Id), claimed);
            });

        public Task<MemberList?> RenewAsync(Guid memberId, bool isLeaving, TimeSpan lease, CancellationToken cancellationToken) => _store.CallAsync(_process, () =>
        {
            var isNews = _store.Sweep(memberId);
            if (_store._members.GetValueOrDefault(memberId) is { } row)
            {
                isNews |= row.Member.IsLeaving != isLeaving;
                row.Member = row.Member with { IsLeaving = isLeaving };
                row.LeaseUntil = _store._world.Now + lease;
            }

            if (isNews)
            {
                _store.Changed?.Invoke(_process);
            }

            return _store._members.ContainsKey(memberId) ? _store.List(memberId) : null;
        });

        public Task<IReadOnlyList<Slot>> ClaimAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) =>
            _store.CallAsync(_process, () => _store._members.ContainsKey(memberId) ? Claim(memberId, slots) : throw new FencedException("gone"));

        public Task ReleaseAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) => _store.CallAsync(_process, () =>
        {
            foreach (var slot in slots.Where(slot => _store._owners.GetValueOrDefault(slot) == memberId))
            {
                _store._owners.Remove(slot);
            }

            _store.Changed?.Invoke(_process);
            return true;
        });

        public Task LeaveAsync(Guid memberId, CancellationToken cancellationToken) => _store.CallAsync(_process, () =>
        {
            _store.Delete(memberId);
            _store.Changed?.Invoke(_process);
            return true;
        });

        public async Task WaitForChangeAsync(CancellationToken cancellationToken)
        {
            using (cancellationToken.Register(() => _changed.TrySetResult()))
            {
                await _changed.Task;
            }

            _changed = new TaskCompletionSource();
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private IReadOnlyList<Slot> Claim(Guid memberId, IEnumerable<Slot> slots) => [.. slots.Where(slot => _store._owners.TryAdd(slot, memberId))];
    }
}
