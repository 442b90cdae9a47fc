using Orders;

var builder = WebApplication.CreateSlimBuilder(args);

builder.Services.Configure<OrdersOptions>(builder.Configuration.GetSection("Orders"));

builder.AddCloudState()
    .AddEntity<OrderEntity>()
    .UseMarten()
    .UseSqlite()
    .AddTelemetry();

var app = builder.Build();

app.UseCloudState();
app.MapCloudState();

return await app.RunCloudStateAsync(args);
