using System.Net;
using CloudState.Knative.Routing;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Management;

/// <summary>
/// Who may use the operator endpoints: whoever is on the machine, as <c>kubectl port-forward</c> is on that of the pod, or knows the secret of the
/// member. Web pages in an operator's browser may not: their requests name another host, or lack the header.
/// </summary>
internal sealed class OperatorAccess(PeerEndpoint peers, ClusterOptions options)
{
    /// <summary>A header that no form sends, and no page of another origin without being allowed to.</summary>
    public const string Header = "Cloudstate-Operator";

    /// <summary>Null if the request may go on, else what is wrong with it.</summary>
    public string? WhyRefused(HttpRequest request) =>
        !IsKnownHost(request.Host.Host) ? $"The Host is '{request.Host.Host}'. Name this process by localhost or its IP address."
        : !IsOperator(request) ? "Only the machine itself may ask, for example through kubectl port-forward, or a client with the secret of this member."
        : !HttpMethods.IsGet(request.Method) && !request.Headers.ContainsKey(Header) ? $"The header {Header} is missing. Send '{Header}: true', so that no web page can act for an operator."
        : null;

    /// <summary>A page that has made its own name point to this machine sends that name.</summary>
    private bool IsKnownHost(string host) =>
        host == "localhost" || IPAddress.TryParse(host, out _)
        || (options.Address is { Length: > 0 } own && host.Equals(HostString.FromUriComponent(own).Host, StringComparison.OrdinalIgnoreCase));

    private bool IsOperator(HttpRequest request) =>
        request.HttpContext.Connection.RemoteIpAddress is { } client && IPAddress.IsLoopback(client) || peers.IsAuthentic(request);
}
