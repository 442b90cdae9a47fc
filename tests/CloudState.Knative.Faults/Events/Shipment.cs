using System.Globalization;

namespace CloudState.Knative.Faults.Events;

/// <summary>An event that is to be delivered.</summary>
/// <param name="Path">Where a pod takes it.</param>
/// <param name="Type">What it is.</param>
/// <param name="Id">The same however often it is delivered.</param>
/// <param name="Data">JSON.</param>
internal sealed record Shipment(string Path, string Type, string Id, string Data)
{
    /// <summary>The number of the event within its key, and the key; null when nobody has counted.</summary>
    public (string Key, int Number)? Sequence { get; init; }

    public static Shipment Of(string topic, string key, int number) =>
        new($"/topics/{topic}", CountNumber.Descriptor.FullName, $"{topic} {key} {number}", new CountNumber { Key = key, Number = number }.ToString()) { Sequence = (key, number) };

    public HttpRequestMessage ToRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(Data, null, "application/json") };
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", Uri.EscapeDataString(Id));
        request.Headers.Add("ce-source", "/faults");
        request.Headers.Add("ce-type", Type);
        if (Sequence is var (key, number))
        {
            request.Headers.Add("ce-partitionkey", key);
            request.Headers.Add("ce-sequence", number.ToString(CultureInfo.InvariantCulture));
        }

        return request;
    }
}
