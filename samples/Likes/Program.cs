using Likes;

var builder = WebApplication.CreateSlimBuilder(args);

builder.AddCloudState()
    .AddEntity<LikesEntity>()
    .UseMarten()
    .UseSqlite()
    .AddTelemetry();

var app = builder.Build();

app.UseCloudState();
app.MapCloudState();

return await app.RunCloudStateAsync(args);
