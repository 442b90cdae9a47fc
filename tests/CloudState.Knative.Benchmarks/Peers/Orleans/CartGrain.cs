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

public sealed class CartGrain([PersistentState("cart")] IPersistentState<Cart> stored) : Grain, ICartGrain
{
    private Cart Cart => stored.State.Items is null ? Cart.Empty : stored.State;

    public async Task AddAsync(Item item)
    {
        stored.State = Cart.With(item);
        try
        {
            await stored.WriteStateAsync();
        }
        catch
        {
            // The next call reads what is stored.
            DeactivateOnIdle();
            throw;
        }
    }

    public ValueTask<Cart> GetAsync() => new(Cart);
}
