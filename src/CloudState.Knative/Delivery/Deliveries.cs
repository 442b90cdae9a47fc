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
    private TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    public Deliveries()
    {
        _idle.SetResult();
        CloudStateTelemetry.ObserveDeliveries(this);
    }

    /// <summary>Queues whose first delivery is to be made now.</summary>
    public ChannelReader<DeliveryQueue> Ready => _ready.Reader;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Completes when nothing is left to deliver.</summary>
    public Task Idle
    {
        get
        {
            lock (_lock)
            {
                return _idle.Task;
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
            ChangeCount(+1);
            if (queue.Waiting.Count == 1)
            {
                _ready.Writer.TryWrite(queue);
            }
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
            if (_queues.ContainsKey((queue.Slot, queue.Origin, queue.Lane)))
            {
                ChangeCount(-1);
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
                    ChangeCount(-queue.Waiting.Count);
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

    private void ChangeCount(int change)
    {
        var before = _count;
        _count += change;
        if (before == 0 && _count > 0)
        {
            _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        else if (_count == 0)
        {
            _idle.TrySetResult();
        }
    }
}
