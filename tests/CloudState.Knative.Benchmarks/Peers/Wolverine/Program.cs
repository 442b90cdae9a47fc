using JasperFx;
using JasperFx.CodeGeneration;
using JasperFx.Events;
using JasperFx.Events.Projections;
using JasperFx.Resources;
using Marten;
using Peers;
using Wolverine;
using Wolverine.Http;
using Wolverine.Marten;

// Wolverine.Http and Marten: the aggregate handler workflow, with a snapshot that is written in the transaction of the event.
var migrates = args.Contains("--migrate");
var builder = Edge.CreateBuilder(args);
builder.Services
    .AddMarten(options =>
    {
        options.Connection(Edge.Postgres(poolSize: 16));
        options.AutoCreateSchemaObjects = migrates ? AutoCreate.CreateOrUpdate : AutoCreate.None;
        options.DisableNpgsqlLogging = true;
        options.Events.StreamIdentity = StreamIdentity.AsString;
        options.Events.AppendMode = EventAppendMode.Quick;
        options.Events.UseIdentityMapForAggregates = true;
        options.Events.AddEventType<ItemAdded>();
        options.Projections.Snapshot<CartView>(SnapshotLifecycle.Inline);
    })
    .UseLightweightSessions()
    .IntegrateWithWolverine();
builder.Host.UseWolverine(options =>
{
    options.ServiceName = "carts";
    options.Durability.Mode = DurabilityMode.MediatorOnly;
    // The code in Internal/Generated is written by "dotnet run -- codegen write".
    options.CodeGeneration.TypeLoadMode = TypeLoadMode.Static;
});
builder.Services.AddWolverineHttp();

var app = builder.Build();
app.Use(AgainAfterConflict);
app.MapWolverineEndpoints();

if (migrates)
{
    await app.SetupResources();
    return 0;
}

if (args is ["codegen", ..])
{
    return await app.RunJasperFxCommands(args);
}

await app.RunAsync();
return 0;

// Two first commands to a new cart have no row to lock; one of them finds a stream that it did not expect.
static async Task AgainAfterConflict(HttpContext context, RequestDelegate next)
{
    context.Request.EnableBuffering();
    for (var attempt = 1; ; attempt++)
    {
        try
        {
            await next(context);
            return;
        }
        catch (Exception conflict) when (attempt < 5 && conflict is ConcurrencyException or Marten.Exceptions.ExistingStreamIdCollisionException)
        {
            context.Request.Body.Position = 0;
        }
    }
}
