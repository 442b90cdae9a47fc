using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Testing;
using Marten;
using ShoppingCart.Api;
using ShoppingCart.Domain;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>The tests and the projection that the READMEs of the packages show.</summary>
public sealed class ReadmeExampleTests(PostgresSchema schema) : IClassFixture<PostgresSchema>
{
    [Fact]
    public async Task ValueEntity_StartsFromAState()
    {
        var account = EntityTestKit.Create(() => new SavingsAccount(), "alice", BankJson.Default).GivenState(new Balance { Amount = 5 });

        var result = await account.WhenAsync(new DepositMoney { Account = "alice", Amount = 2 });

        Assert.Equal(7, result.State.Amount);
        Assert.Equal(7, result.Reply<Account>().Balance);
    }

    [Fact]
    public async Task Action_Forwards()
    {
        var teller = ActionTestKit.Create(() => new ModelTeller());

        var result = await teller.WhenAsync(new Payment { Account = "alice", Amount = 3 });

        Assert.Equal("alice", result.ReplyFrom!.Message<DepositMoney>().Account);
    }

    [Fact]
    public async Task Projection_ReadsTheStreamOfAnEntity()
    {
        var (connectionString, schemaName) = (PostgresSchema.ConnectionString, schema.Name);
        await using (var service = await TestService.StartAsync(settings: [("ConnectionStrings:CloudState", connectionString), ("CloudState:Marten:SchemaName", schemaName)]))
        {
            await service.Carts.AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 });
            await service.Carts.AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p2", Name = "Pear", Quantity = 1 });
            await service.Carts.RemoveItemAsync(new RemoveLineItem { UserId = "alice", ProductId = "p1" });
        }

        using var marten = DocumentStore.For(options =>
        {
            options.Connection(connectionString);
            options.DatabaseSchemaName = schemaName;
            options.UseCloudStateEvents(ItemAdded.Descriptor, ItemRemoved.Descriptor);
        });
        await using var session = marten.LightweightSession();

        var statistics = await session.Events.AggregateStreamAsync<CartStatistics>("shopping-cart/alice");

        Assert.Equal((2, 1), (statistics?.Additions, statistics?.Removals));
    }
}

public sealed partial class CartStatistics
{
    public string Id { get; set; } = "";

    public int Additions { get; set; }

    public int Removals { get; set; }

    public void Apply(ItemAdded added) => Additions++;

    public void Apply(ItemRemoved removed) => Removals++;
}
