using Likes;

var builder = WebApplication.CreateSlimBuilder(args);

builder.AddCloudState()
    .AddEntity<LikesEntity>()
    .AddEntity<PresenceEntity>()
    .UseMarten()
    .UseSqlite()
    .AddTelemetry();

var app = builder.Build();

// The page, for a browser.
app.UseDefaultFiles();
app.UseStaticFiles();
app.UseCloudState();
app.MapCloudState();

return await app.RunCloudStateAsync(args);
