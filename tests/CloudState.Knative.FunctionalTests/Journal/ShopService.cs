using CloudState.Knative.FunctionalTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>The shop in this process.</summary>
internal static class ShopService
{
    public static Task<TestService> StartAsync(Action<CloudStateBuilder> consumers, params (string Key, string Value)[] settings) =>
        StartWithAsync(cloudState => consumers(cloudState.AddEntity<OrderEntity>()), settings);

    /// <summary>Starts the shop of another version.</summary>
    public static Task<TestService> StartWithAsync(Action<CloudStateBuilder> classes, params (string Key, string Value)[] settings) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton<ShopEvents>();
            classes(cloudState);
        },
        [("CloudState:Eventing:ServiceName", "shop"), ("CloudState:Delivery:RetryDelay", "00:00:00.02"), .. settings]);

    public static ShopEvents Events(this TestService shop) => shop.Services.GetRequiredService<ShopEvents>();

    public static Orders.OrdersClient Orders(this TestService shop) => new(shop.Channel);

    public static Task PlaceAsync(this TestService shop, string order, string product = "tea") =>
        shop.Orders().PlaceAsync(new PlaceOrder { Order = order, Product = product }).ResponseAsync;

    public static Task CancelAsync(this TestService shop, string order) => shop.Orders().CancelAsync(new CancelOrder { Order = order }).ResponseAsync;
}
