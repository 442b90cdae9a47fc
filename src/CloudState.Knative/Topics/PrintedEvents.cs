using System.Text;
using CloudState.Knative.Outbox;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Topics;

/// <summary>In development, events of topics without a sink are printed instead of sent.</summary>
internal sealed partial class PrintedEvents(ILogger<PrintedEvents> logger)
{
    /// <param name="reason">What is missing.</param>
    public void Warn(string reason) => LogNoSink(reason);

    public DeliveryResult Print(string topic, OutgoingEvent published)
    {
        var data = published.DataContentType.EndsWith("json", StringComparison.Ordinal)
            ? Encoding.UTF8.GetString(published.Data.Span)
            : $"{published.Data.Length} bytes";
        LogPrinted(topic, published.Type, published.Id, published.Source, published.Subject, data);
        return DeliveryResult.Delivered;
    }

    [LoggerMessage(54, LogLevel.Warning, "{Reason} In development its events are printed; elsewhere the service would not start.", EventName = "TopicWithoutSink")]
    private partial void LogNoSink(string reason);

    [LoggerMessage(55, LogLevel.Information, "Not published to the topic '{Topic}': {Type} {Id} of {Source}, subject {Subject}: {Data}", EventName = "EventPrinted")]
    private partial void LogPrinted(string topic, string type, string id, string source, string? subject, string data);
}
