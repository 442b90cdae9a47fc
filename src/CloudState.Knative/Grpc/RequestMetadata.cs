using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Copies the headers of a request: the command may outlive it.</summary>
internal static class RequestMetadata
{
    public static CallMetadata Read(IHeaderDictionary headers)
    {
        var entries = new List<KeyValuePair<string, string>>(headers.Count);
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
            {
                if (!name.StartsWith(':') && value is not null)
                {
                    entries.Add(new(name, value));
                }
            }
        }

        return new CallMetadata(entries);
    }
}
