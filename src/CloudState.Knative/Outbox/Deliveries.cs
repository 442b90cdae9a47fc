using System.Threading.Channels;
using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Outbox;

/// <summary>What this process has to deliver, as it owns the slots of the entities that it comes from.</summary>
internal sealed class Deliveries
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(OwnedSlot Slot, EntityId Origin, string Lane), DeliveryLane> _queues = [];
    private readonly HashSet<(string Lane, EntityId Origin)> _parked = [];
    private readonly Channel<DeliveryLane> _ready = Channel.CreateUnbounded<DeliveryLane>();
    private int _count;
    private long _completed;

    /// <summary>Queues whose first delivery is to be made now.</summary>
    public ChannelReader<DeliveryLane> Ready => _ready.Reader;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>How many are behind this process.</summary>
    public long Completed
    {
        get
        {
            lock (_lock)
            {
                return _completed;
            }
        }
    }

    public void Add(PendingDelivery delivery, OwnedSlot slot)
    {
        lock (_lock)
        {
            var key = (slot, delivery.Origin, delivery.Lane);
            if (!_queues.TryGetValue(key, out var queue))
            {
                _queues.Add(key, queue = new DeliveryLane(delivery.Origin, delivery.Lane, slot));
            }

            queue.Waiting.Enqueue(delivery);
            _count++;
            if (queue.Waiting.Count == 1)
            {
                _ready.Writer.TryWrite(queue);
            }
        }
    }

    /// <summary>The first delivery of a queue, which is to be made.</summary>
    public PendingDelivery First(DeliveryLane queue)
    {
        lock (_lock)
        {
            return queue.Waiting.Peek();
        }
    }

    /// <summary>The first delivery of a queue is no longer to be made; the next one is ready.</summary>
    public void CompleteFirst(DeliveryLane queue)
    {
        PendingDelivery first;
        lock (_lock)
        {
            first = queue.Waiting.Dequeue();
            (queue.Attempts, queue.Failures, queue.Timeouts) = (0, 0, 0);
            _completed++;
            if (_queues.ContainsKey((queue.Slot, queue.Origin, queue.Lane)))
            {
                _count--;
                if (queue.Waiting.Count > 0)
                {
                    _ready.Writer.TryWrite(queue);
                }
                else
                {
                    _queues.Remove((queue.Slot, queue.Origin, queue.Lane));
                }
            }
        }

        first.Complete();
    }

    /// <summary>The first delivery of a queue is to be tried again, now.</summary>
    public void Retry(DeliveryLane queue) => _ready.Writer.TryWrite(queue);

    /// <summary>Drops what belongs to ownerships that are over: the next owner delivers it.</summary>
    public void KeepOnly(IReadOnlySet<OwnedSlot> owned)
    {
        lock (_lock)
        {
            foreach (var (key, queue) in _queues)
            {
                if (!owned.Contains(key.Slot))
                {
                    _queues.Remove(key);
                    _count -= queue.Waiting.Count;
                }
            }
        }
    }

    /// <summary>Something of the entity and the lane is parked: what follows has to be parked behind it.</summary>
    public void MarkParked(string lane, EntityId origin)
    {
        lock (_lock)
        {
            _parked.Add((lane, origin));
        }
    }

    public void UnmarkParked(string lane, EntityId origin)
    {
        lock (_lock)
        {
            _parked.Remove((lane, origin));
        }
    }

    public bool IsMarkedParked(DeliveryLane queue)
    {
        lock (_lock)
        {
            return _parked.Contains((queue.Lane, queue.Origin));
        }
    }
}
