using System.Net.Mime;
using CloudState.Knative;
using CloudState.Knative.Hosting;
using CloudState.Knative.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Describes the service with OpenAPI.</summary>
public static class CloudStateOpenApiExtensions
{
    private const string Path = "/openapi.json";

    /// <summary>
    /// Serves an OpenAPI 3.1 document at <c>/openapi.json</c>: every rpc of the service's entities and actions that HTTP reaches, by its
    /// <c>google.api.http</c> rules or at its gRPC path. Conventions of <c>MapCloudState()</c>, such as <c>RequireAuthorization()</c>, hold there too.
    /// </summary>
    /// <param name="builder">What <c>builder.AddCloudState()</c> returns.</param>
    /// <param name="configure">Changes the document, once: for example its title, its servers or its security schemes.</param>
    public static CloudStateBuilder AddOpenApi(this CloudStateBuilder builder, Action<OpenApiDocument>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(new MappedExtra("OpenAPI", Path, endpoints => Map(endpoints, configure)));
        return builder;
    }

    private static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, Action<OpenApiDocument>? configure)
    {
        // Made when it is requested first: no start waits for it.
        var document = new Lazy<byte[]>(() => ServiceDocument.Write(endpoints.ServiceProvider, configure));
        RequestDelegate answer = http =>
        {
            http.Response.ContentType = MediaTypeNames.Application.Json;
            http.Response.ContentLength = document.Value.Length;
            return http.Response.Body.WriteAsync(document.Value, http.RequestAborted).AsTask();
        };
        return endpoints.MapGet(Path, answer);
    }
}
