using System.Globalization;

namespace CloudState.Knative.Faults.Load;

/// <summary>How items are called in the cart. Numbers keep long histories small.</summary>
internal static class CartItems
{
    public static string NameOf(int item) => $"item-{item}";

    /// <exception cref="FormatException">Nobody has written such an item.</exception>
    public static int NumberOf(string name) => name.StartsWith("item-", StringComparison.Ordinal)
        ? int.Parse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture)
        : throw new FormatException($"nobody adds an item '{name}'");

    /// <summary>The cart adds up the quantities of equal items: an addition that took effect twice is found as two.</summary>
    public static void Add(List<int> items, string name, int quantity) => items.AddRange(Enumerable.Repeat(NumberOf(name), quantity));
}
