namespace CloudState.Knative.Faults.Checking;

/// <summary>The items of a cart, of which only equality matters: their number, and a hash over all of them in order.</summary>
internal readonly record struct CartState(int Count, ulong Hash)
{
    public static CartState Empty { get; }

    /// <summary>The state after one more item. Mixing (as in splitmix64) spreads neighbouring item numbers.</summary>
    public CartState With(int item)
    {
        var mixed = unchecked((Hash ^ (ulong)(uint)item) + 0x9E3779B97F4A7C15UL);
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9UL);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL);
        return new CartState(Count + 1, mixed ^ (mixed >> 31));
    }

    public static CartState Of(IEnumerable<int> items) => items.Aggregate(Empty, (state, item) => state.With(item));
}

/// <summary>Adding an item, or reading all of them.</summary>
internal readonly record struct CartOperation(bool IsWrite, int Item, CartState Result)
{
    public static CartOperation Write(int item) => new(true, item, default);

    public static CartOperation Read(IEnumerable<int> items) => new(false, 0, CartState.Of(items));
}

/// <summary>A cart: a list to which items are only added.</summary>
/// <param name="finalItems">
/// What a read after everything else saw, if there is one in the history. It decides nothing that the read does not decide, but at once:
/// an addition that is not the next of these items need not be tried, and additions that overlap do not multiply the search.
/// </param>
internal sealed class CartModel(IReadOnlyList<int>? finalItems = null) : ISequentialModel<CartState, CartOperation>
{
    public CartState Initial => CartState.Empty;

    public bool TryApply(CartState state, CartOperation operation, out CartState next)
    {
        if (operation.IsWrite)
        {
            next = state.With(operation.Item);
            return finalItems is null || (state.Count < finalItems.Count && finalItems[state.Count] == operation.Item);
        }

        next = state;
        return state == operation.Result;
    }
}
