using CloudState.Knative.Tck;

var builder = WebApplication.CreateSlimBuilder(args);

builder.AddCloudState()
    .AddTckModels()
    .UseMarten()
    .UseSqlite();

var app = builder.Build();

app.UseCloudState();
app.MapCloudState();

return await app.RunCloudStateAsync(args);
