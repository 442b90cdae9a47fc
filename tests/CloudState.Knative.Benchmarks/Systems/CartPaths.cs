namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>How a cart is written and read over HTTP; <c>{user}</c> stands for its name.</summary>
internal sealed record CartPaths(string Write, string ReadMethod, string Read)
{
    /// <summary>That of the sample.</summary>
    public static readonly CartPaths Rest = new("/cart/{user}/items/add", "GET", "/carts/{user}");

    /// <summary>Handlers of a virtual object: both are calls.</summary>
    public static readonly CartPaths Restate = new("/cart/{user}/add", "POST", "/cart/{user}/get");

    /// <summary>Those of the sample whose entities are replicated: a page is what a cart is elsewhere, and a write has no body.</summary>
    public static readonly CartPaths Likes = new("/pages/{user}/likes", "GET", "/pages/{user}/likes") { WriteScript = "like.lua" };

    /// <summary>The load of writes, a file beside the other ones.</summary>
    public string WriteScript { get; init; } = "write.lua";

    public string WriteOf(string cart) => Write.Replace("{user}", cart, StringComparison.Ordinal);

    public string ReadOf(string cart) => Read.Replace("{user}", cart, StringComparison.Ordinal);
}
