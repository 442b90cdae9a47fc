using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;
using Grpc.Core;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>
/// A set. Each element is added by one command, and removed by one at most, after the addition was acknowledged. So it follows from their outcomes whether it has to be there
/// at the end.
/// </summary>
/// <remarks>The item of an operation is the element that it adds, and negative if it removes it. Among the items of a reply, a negative one was found and removed.</remarks>
internal sealed class BadgeHistory(string key) : ReplicaHistory(key)
{
    private const double ReadShare = 0.15;
    private const int FewElements = 20;
    private const int ManyElements = 100;

    // By number, from 1.
    private readonly List<Element> _elements = [];
    private readonly List<int> _removable = [];

    public override async Task<List<int>> SendAsync(PodConnections pod, Operation operation, CallOptions options)
    {
        if (operation.Kind == OperationKind.Read)
        {
            return await ReadAsync(pod, options);
        }

        var badge = new Badge { Owner = Key, Number = Math.Abs(operation.Item) };
        var list = await (operation.Item > 0 ? pod.Badges.AddAsync(badge, options) : pod.Badges.RemoveAsync(badge, options));
        return list.Removed ? [.. list.Numbers, operation.Item] : [.. list.Numbers];
    }

    public override async Task<List<int>> ReadAsync(PodConnections pod, CallOptions options) => [.. (await pod.Badges.GetAsync(new BadgeQuery { Owner = Key }, options)).Numbers];

    public override IEnumerable<string> Check(IReadOnlyList<int> value)
    {
        var there = value.ToHashSet();
        for (var number = 1; number <= _elements.Count; number++)
        {
            var element = _elements[number - 1];
            if (element.MustBe is { } expected && expected != there.Contains(number))
            {
                yield return $"{Key} {(expected ? "lacks" : "has")} {number}: {element}";
            }
        }

        foreach (var unknown in there.Where(number => number < 1 || number > _elements.Count))
        {
            yield return $"{Key} has {unknown}, which was never added";
        }
    }

    protected override Operation Next(Random random, int client)
    {
        if (random.NextDouble() < ReadShare)
        {
            return new Operation(Key, OperationKind.Read, client, "gRPC");
        }

        if (_removable.Count > FewElements && (_removable.Count > ManyElements || random.Next(2) == 0))
        {
            var place = random.Next(_removable.Count);
            var number = _removable[place];
            _removable.RemoveAt(place);
            _elements[number - 1].Removal = Outcome.Pending;
            return new Operation(Key, OperationKind.Write, client, "gRPC") { Item = -number };
        }

        _elements.Add(new Element());
        return new Operation(Key, OperationKind.Write, client, "gRPC") { Item = _elements.Count };
    }

    protected override string? Observe(Operation operation)
    {
        foreach (var seen in operation.Items.Where(number => number > 0 && number <= _elements.Count))
        {
            _elements[seen - 1].WasSeen = true;
        }

        var (number, isOk) = (Math.Abs(operation.Item), operation.Outcome == Outcome.Ok);
        var hasIt = operation.Items.Contains(number);
        if (operation.Item > 0)
        {
            _elements[number - 1].Addition = operation.Outcome;
            if (isOk)
            {
                _removable.Add(number);
            }

            return isOk && !hasIt ? $"{Key} lacks {number} right after its addition ({operation.Attempts})" : null;
        }

        if (operation.Item < 0)
        {
            (_elements[number - 1].Removal, _elements[number - 1].WasFound) = (operation.Outcome, operation.Items.Contains(operation.Item));
            return isOk && hasIt ? $"{Key} has {number} right after its removal ({operation.Attempts})" : null;
        }

        return null;
    }

    private sealed class Element
    {
        public Outcome Addition { get; set; }

        /// <summary>Null: not attempted.</summary>
        public Outcome? Removal { get; set; }

        /// <summary>Whether the pod that removed it had it.</summary>
        public bool WasFound { get; set; }

        /// <summary>Whether a reply has shown it.</summary>
        public bool WasSeen { get; set; }

        /// <summary>Whether it has to be there at the end; null when it may or may not.</summary>
        public bool? MustBe => (Addition, Removal) switch
        {
            (Outcome.Failed, _) => false,
            (_, Outcome.Ok) => !WasFound,
            (_, Outcome.Unknown) => null,
            (Outcome.Ok, _) => true,
            _ => WasSeen ? true : null,
        };

        public override string ToString() =>
            $"addition {Addition}{(WasSeen ? ", seen" : "")}, removal {(Removal is { } removal ? $"{removal}{(WasFound ? ", found" : ", not found")}" : "not attempted")}";
    }
}
