namespace Orders;

/// <summary>The configuration section <c>Orders</c>.</summary>
public sealed class OrdersOptions
{
    /// <summary>How long an order waits to be paid.</summary>
    /// <value>Default: 15 minutes.</value>
    public TimeSpan PaymentTime { get; set; } = TimeSpan.FromMinutes(15);
}
