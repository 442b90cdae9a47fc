using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// Lets no request get lost on an HTTP/1.1 connection of a service that stops. Kestrel closes connections at once that have no request at that
/// moment, also those on which one is already under way. Here they stay open for a while longer, and every answer
/// tells the client to use another connection next. HTTP/2 has GOAWAY for this.
/// </summary>
internal sealed class GracefulClose : IConnectionLifetimeNotificationFeature, IDisposable
{
    private readonly IConnectionLifetimeNotificationFeature _connection;
    private readonly CancellationTokenSource _closeRequested;
    private readonly CancellationTokenRegistration _stopping;

    private GracefulClose(IConnectionLifetimeNotificationFeature connection, TimeSpan delay, TimeProvider time)
    {
        _connection = connection;
        _closeRequested = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _stopping = connection.ConnectionClosedRequested.Register(() => _closeRequested.CancelAfter(delay));
    }

    public CancellationToken ConnectionClosedRequested
    {
        get => _closeRequested.Token;
        set => throw new NotSupportedException();
    }

    /// <summary>Delays what Kestrel tells the HTTP/1.1 connection when it stops.</summary>
    public static GracefulClose? Delay(ConnectionContext connection, TimeSpan delay, TimeProvider time)
    {
        if (connection.Features.Get<IConnectionLifetimeNotificationFeature>() is not { } original)
        {
            return null;
        }

        var delayed = new GracefulClose(original, delay, time);
        connection.Features.Set<IConnectionLifetimeNotificationFeature>(delayed);
        return delayed;
    }

    public static void UseGracefulClose(IApplicationBuilder app)
    {
        var stopping = app.ApplicationServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        app.Use((http, next) =>
        {
            if (stopping.IsCancellationRequested && HttpProtocol.IsHttp11(http.Request.Protocol))
            {
                http.Response.Headers.Connection = "close";
            }

            return next(http);
        });
    }

    public void RequestClose() => _connection.RequestClose();

    public void Dispose()
    {
        _stopping.Dispose();
        _closeRequested.Dispose();
    }
}
