using System.Text.Json.Serialization;
using CloudState.Knative.Delivery;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Management;

/// <summary>
/// Shows what is parked, on the internal port, and lets people retry or discard it: <c>GET /cloudstate/parked</c>, <c>POST /cloudstate/parked/retry?id=…</c> and <c>POST /cloudstate/parked/discard?id=…</c>.
/// Any pod will do. When the first one of an entity and a lane is out of the way, those that wait behind it are delivered, in their order.
/// </summary>
internal sealed class ParkedEndpoint(IEntityStore store, Deliverer deliverer)
{
    public const string Path = "/cloudstate/parked";
    public const string RetryPath = Path + "/retry";
    public const string DiscardPath = Path + "/discard";
    private const int MaxShown = 1000;

    public async Task ListAsync(HttpContext http) => await http.Response.WriteAsJsonAsync(
        (await store.Parked.ReadAsync(MaxShown, http.RequestAborted)).Select(ToReport).ToArray(), ParkedJson.Default.ParkedReportArray, cancellationToken: http.RequestAborted);

    public async Task RetryAsync(HttpContext http)
    {
        if (await FindAsync(http) is not { } parked)
        {
            return;
        }

        if (parked.Attempts == 0)
        {
            var first = await store.Parked.ReadFirstAsync(parked.Lane, parked.Origin, http.RequestAborted);
            await AnswerAsync(http, StatusCodes.Status409Conflict, new ParkedAnswer(0, $"It waits for others. Retry or discard the first one: {first?.Id}"));
            return;
        }

        await AnswerAsync(http, StatusCodes.Status200OK, await DeliverAsync(parked, http.RequestAborted));
    }

    public async Task DiscardAsync(HttpContext http)
    {
        if (await FindAsync(http) is not { } parked)
        {
            return;
        }

        await store.Parked.RemoveAsync(parked.Id, http.RequestAborted);
        var next = parked.Attempts == 0 ? null : await NextBehindAsync(parked, http.RequestAborted);
        await AnswerAsync(http, StatusCodes.Status200OK, next is null ? new ParkedAnswer(0, null) : await DeliverAsync(next, http.RequestAborted));
    }

    /// <summary>Delivers one and those that wait behind it, until one fails.</summary>
    private async Task<ParkedAnswer> DeliverAsync(ParkedDelivery parked, CancellationToken cancelled)
    {
        var delivered = 0;
        for (var next = parked; next is not null; delivered++)
        {
            if (await TryDeliverAsync(next, cancelled) is { StatusCode: not StatusCode.OK } failure)
            {
                var error = $"{failure.StatusCode}: {failure.Detail}";
                await store.Parked.UpdateAsync(next.Id, error, next.Attempts + 1, cancelled);
                return new ParkedAnswer(delivered, $"{next.Id} failed. {error}");
            }

            await store.Parked.RemoveAsync(next.Id, cancelled);
            next = await NextBehindAsync(next, cancelled);
        }

        return new ParkedAnswer(delivered, null);
    }

    private async Task<Status> TryDeliverAsync(ParkedDelivery parked, CancellationToken cancelled)
    {
        try
        {
            return (await deliverer.DeliverAsync(StoredDelivery.Parser.ParseFrom(parked.Content), cancelled)).Status;
        }
        catch (Exception unexpected) when (unexpected is not OperationCanceledException)
        {
            return new Status(StatusCode.Internal, unexpected.Message);
        }
    }

    private async Task<ParkedDelivery?> NextBehindAsync(ParkedDelivery parked, CancellationToken cancelled) =>
        await store.Parked.ReadFirstAsync(parked.Lane, parked.Origin, cancelled) is { Attempts: 0 } next ? next : null;

    private async Task<ParkedDelivery?> FindAsync(HttpContext http)
    {
        var id = (string?)http.Request.Query["id"];
        var parked = string.IsNullOrEmpty(id) ? null : await store.Parked.FindAsync(id, http.RequestAborted);
        if (parked is null)
        {
            await AnswerAsync(http, StatusCodes.Status404NotFound, new ParkedAnswer(0, $"Nothing with the id '{id}' is parked. GET {Path} lists what is."));
        }

        return parked;
    }

    private ParkedReport ToReport(ParkedDelivery parked) => new(
        parked.Id, parked.Lane, parked.Origin.Type, parked.Origin.Key, deliverer.TargetOf(StoredDelivery.Parser.ParseFrom(parked.Content)), parked.Error, parked.Attempts, parked.ParkedAt);

    private static Task AnswerAsync(HttpContext http, int status, ParkedAnswer answer)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(answer, ParkedJson.Default.ParkedAnswer, cancellationToken: http.RequestAborted);
    }
}

/// <summary>One delivery that is parked.</summary>
internal sealed record ParkedReport(string Id, string Lane, string EntityType, string EntityId, string Target, string Error, int Attempts, DateTimeOffset ParkedAt);

/// <summary>What became of a retry or a discarding.</summary>
/// <param name="Delivered">How many were delivered.</param>
/// <param name="Failure">Why it was not done, or ended before all that waited were delivered; null when nothing failed.</param>
internal sealed record ParkedAnswer(int Delivered, string? Failure);

[JsonSerializable(typeof(ParkedReport[]))]
[JsonSerializable(typeof(ParkedAnswer))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ParkedJson : JsonSerializerContext;
