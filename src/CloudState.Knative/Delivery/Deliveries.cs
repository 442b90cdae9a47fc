using System.Threading.Channels;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Delivery;

/// <summary>What this process has to deliver, as it owns the slots of the entities that it comes from.</summary>
internal sealed class Deliveries
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(OwnedSlot Slot, EntityKey Origin, string Lane), DeliveryQueue> _queues = [];
    private readonly HashSet<(string Lane, EntityKey Origin)> _parked = [];
    private readonly Channel<DeliveryQueue> _ready = Channel.CreateUnbounded<DeliveryQueue>();
    private int _count;
    private long _completed;

    public Deliveries() => CloudStateTelemetry.ObserveDeliveries(this);

    /// <summary>Queues whose first delivery is to be made now.</summary>
    public ChannelReader<DeliveryQueue> Ready => _ready.Reader;

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

    public void Add(Delivery delivery, OwnedSlot slot)
    {
        lock (_lock)
        {
            var key = (slot, delivery.Origin, delivery.Lane);
            if (!_queues.TryGetValue(key, out var queue))
            {
                _queues.Add(key, queue = new DeliveryQueue(delivery.Origin, delivery.Lane, slot));
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
    public Delivery First(DeliveryQueue queue)
    {
        lock (_lock)
        {
            return queue.Waiting.Peek();
        }
    }

    /// <summary>The first delivery of a queue is no longer to be made; the next one is ready.</summary>
    public void CompleteFirst(DeliveryQueue queue)
    {
        Delivery first;
        lock (_lock)
        {
            first = queue.Waiting.Dequeue();
            queue.Attempts = 0;
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
    public void Retry(DeliveryQueue queue) => _ready.Writer.TryWrite(queue);

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
    public void MarkParked(string lane, EntityKey origin)
    {
        lock (_lock)
        {
            _parked.Add((lane, origin));
        }
    }

    public void UnmarkParked(string lane, EntityKey origin)
    {
        lock (_lock)
        {
            _parked.Remove((lane, origin));
        }
    }

    public bool IsMarkedParked(DeliveryQueue queue)
    {
        lock (_lock)
        {
            return _parked.Contains((queue.Lane, queue.Origin));
        }
    }
}
