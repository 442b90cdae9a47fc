namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>How a cart is written and read over HTTP; <c>{user}</c> stands for its name.</summary>
internal sealed record CartPaths(string Write, string ReadMethod, string Read)
{
    /// <summary>That of the sample.</summary>
    public static readonly CartPaths Rest = new("/cart/{user}/items/add", "GET", "/carts/{user}");

    /// <summary>Handlers of a virtual object: both are calls.</summary>
    public static readonly CartPaths Restate = new("/cart/{user}/add", "POST", "/cart/{user}/get");

    public string WriteOf(string cart) => Write.Replace("{user}", cart, StringComparison.Ordinal);

    public string ReadOf(string cart) => Read.Replace("{user}", cart, StringComparison.Ordinal);
}
