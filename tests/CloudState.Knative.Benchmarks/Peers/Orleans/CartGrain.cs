using Orleans.Concurrency;

namespace Peers;

// The shared records as Orleans knows them: generated binary serialization, and no copies for calls inside of the process.
[GenerateSerializer, Immutable]
public sealed partial record Item;

[GenerateSerializer, Immutable]
public sealed partial record Cart;

public interface ICartGrain : IGrainWithStringKey
{
    Task AddAsync(Item item);

    ValueTask<Cart> GetAsync();
}

/// <summary>
/// Calls that come while a write is on its way change the cart in memory and wait for the next write, which stores all their changes.
/// A call returns when a write that began after its change has succeeded; reads see only what is stored.
/// </summary>
[Reentrant]
public sealed class CartGrain([PersistentState("cart")] IPersistentState<Cart> storage) : Grain, ICartGrain
{
    private Cart _stored = Cart.Empty;
    private Cart _changed = Cart.Empty;
    private TaskCompletionSource? _nextWrite;
    private bool _isWriting;
    private Exception? _failure;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _stored = _changed = storage.State.Items is null ? Cart.Empty : storage.State;
        return Task.CompletedTask;
    }

    public Task AddAsync(Item item)
    {
        if (_failure is not null)
        {
            return Task.FromException(_failure);
        }

        _changed = _changed.With(item);
        var stored = (_nextWrite ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        if (!_isWriting)
        {
            _ = WriteAsync();
        }

        return stored;
    }

    public ValueTask<Cart> GetAsync() => new(_stored);

    private async Task WriteAsync()
    {
        _isWriting = true;
        while (_nextWrite is { } write)
        {
            _nextWrite = null;
            var written = storage.State = _changed;
            try
            {
                await storage.WriteStateAsync();
            }
            catch (Exception failure)
            {
                // What waits for the next write has changed a cart that is not stored. The next activation reads what is.
                _failure = failure;
                write.SetException(failure);
                _nextWrite?.SetException(failure);
                DeactivateOnIdle();
                return;
            }

            _stored = written;
            write.SetResult();
        }

        _isWriting = false;
    }
}
