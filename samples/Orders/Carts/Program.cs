using Carts;

var builder = WebApplication.CreateSlimBuilder(args);

builder.AddCloudState()
    .AddEntity<CartEntity>()
    .AddAction<OrderAnnouncer>()
    .UseMarten()
    .UseSqlite()
    .AddTelemetry()
    .AddOpenApi();

var app = builder.Build();

app.UseCloudState();
app.MapCloudState();

return await app.RunCloudStateAsync(args);
