using System.Buffers;
using System.Globalization;
using System.Net.Mime;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Topics;
using Google.Api;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace CloudState.Knative.Hosting;

/// <summary>What the service is and serves, at <c>GET /</c>: a page for browsers, JSON for others. Made when it is requested first.</summary>
internal sealed class LandingPage(
    EntityDefinitions entities, ActionDefinitions actions, IEnumerable<MappedExtra> extras, ServiceName name, IOptions<CloudStateOptions> options)
{
    private const string Description =
        "A stateful service, made with CloudState.Knative. Calls: gRPC, gRPC-Web, REST and CloudEvents, on one port.";
    private const string EventsDescription =
        "CloudEvents over HTTP, binary or structured; also at /cloudevents, and at /topics/{topic} for rpcs of a topic";

    private readonly Lazy<byte[]> _html = new(() => new PageWriter(Services(entities, actions), extras, name.Value, options.Value).Html());
    private readonly Lazy<byte[]> _json = new(() => new PageWriter(Services(entities, actions), extras, name.Value, options.Value).Json());

    public Task HandleAsync(HttpContext http)
    {
        var isHtml = PrefersHtml(http.Request);
        var body = isHtml ? _html.Value : _json.Value;
        http.Response.ContentType = isHtml ? $"{MediaTypeNames.Text.Html}; charset=utf-8" : MediaTypeNames.Application.Json;
        http.Response.ContentLength = body.Length;
        http.Response.Headers.Vary = HeaderNames.Accept;
        if (isHtml)
        {
            http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'";
        }

        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    private static bool PrefersHtml(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().Accept;
        return Quality(MediaTypeNames.Text.Html) > Quality(MediaTypeNames.Application.Json);

        double Quality(string type)
        {
            var offered = new MediaTypeHeaderValue(type);
            var best = accepted.Where(offered.IsSubsetOf)
                .OrderBy(range => range.MatchesAllTypes).ThenBy(range => range.MatchesAllSubTypes).FirstOrDefault();
            return best is null ? 0 : best.Quality ?? 1;
        }
    }

    private static IReadOnlyList<ServedService> Services(EntityDefinitions entities, ActionDefinitions actions) =>
    [
        .. entities.All.Where(entity => !entity.Service.IsInternal()).Select(entity => new ServedService(
            entity.Service, entity.Model.KindName, entity.EntityType)),
        .. actions.All.Where(action => !action.Definition.Service.IsInternal()).Select(action => new ServedService(action.Definition.Service, "action", null)),
    ];

    /// <summary>A service, and what implements it.</summary>
    private sealed record ServedService(ServiceDescriptor Service, string Kind, string? EntityType)
    {
        public IEnumerable<ServedRpc> Rpcs => Service.Methods.Where(rpc => !rpc.IsInternal()).Select(rpc => new ServedRpc(rpc));
    }

    private sealed record ServedRpc(MethodDescriptor Rpc)
    {
        public string GrpcPath => $"/{Rpc.FullRpcName()}";

        public string Shape =>
            $"{(Rpc.IsClientStreaming ? "stream " : "")}{Rpc.InputType.FullName} → " +
            $"{(Rpc.IsServerStreaming ? "stream " : "")}{Rpc.OutputType.FullName}";

        /// <summary>Such as <c>POST /carts/{id}</c>.</summary>
        public IEnumerable<string> HttpRoutes => Rpc.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is { } rule
            ? rule.AdditionalBindings.Prepend(rule).Select(Route)
            : Rpc.IsClientStreaming ? [] : [$"POST {GrpcPath}"];

        private static string Route(HttpRule rule) => rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => $"GET {rule.Get}",
            HttpRule.PatternOneofCase.Put => $"PUT {rule.Put}",
            HttpRule.PatternOneofCase.Post => $"POST {rule.Post}",
            HttpRule.PatternOneofCase.Delete => $"DELETE {rule.Delete}",
            HttpRule.PatternOneofCase.Patch => $"PATCH {rule.Patch}",
            _ => $"{rule.Custom?.Kind} {rule.Custom?.Path}",
        };
    }

    private sealed class PageWriter(
        IReadOnlyList<ServedService> services, IEnumerable<MappedExtra> extras, string name, CloudStateOptions options)
    {
        private readonly (string Name, string Path)[] _links =
        [
            ("liveness", "/health/liveness"),
            ("readiness", "/health/readiness"),
            .. extras.Select(extra => (extra.Name, extra.Path)),
        ];

        public byte[] Json()
        {
            var output = new ArrayBufferWriter<byte>();
            using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteString("service", name);
            json.WriteString("description", Description);
            json.WriteStartArray("services");
            foreach (var service in services)
            {
                json.WriteStartObject();
                json.WriteString("name", service.Service.FullName);
                json.WriteString("kind", service.Kind);
                if (service.EntityType is not null)
                {
                    json.WriteString("entityType", service.EntityType);
                }

                json.WriteStartArray("rpcs");
                foreach (var rpc in service.Rpcs)
                {
                    json.WriteStartObject();
                    json.WriteString("name", rpc.Rpc.Name);
                    json.WriteString("grpc", rpc.GrpcPath);
                    json.WriteString("input", rpc.Rpc.InputType.FullName);
                    json.WriteString("output", rpc.Rpc.OutputType.FullName);
                    json.WriteBoolean("clientStreaming", rpc.Rpc.IsClientStreaming);
                    json.WriteBoolean("serverStreaming", rpc.Rpc.IsServerStreaming);
                    json.WriteStartArray("http");
                    foreach (var route in rpc.HttpRoutes)
                    {
                        json.WriteStringValue(route);
                    }

                    json.WriteEndArray();
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("events", "POST /");
            json.WriteBoolean("grpcReflection", options.GrpcReflection);
            json.WriteStartObject("links");
            foreach (var (link, path) in _links)
            {
                json.WriteString(link, path);
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.Flush();
            return output.WrittenSpan.ToArray();
        }

        public byte[] Html()
        {
            var html = new StringBuilder();
            Append($"""
                <!DOCTYPE html>
                <html lang="en">
                <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>
                """);
            html.Append("""

                <style>body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em } code { font-size: .9em }
                table { border-collapse: collapse; width: 100% }
                th, td { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top }</style>
                </head>
                <body>

                """);
            Append($"<h1>{name}</h1>\n<p>{Description}</p>\n");
            foreach (var service in services)
            {
                Append($"<h2><code>{service.Service.FullName}</code></h2>\n<p>{service.Kind} {service.EntityType}</p>\n");
                html.Append("<table>\n<tr><th>rpc</th><th>HTTP and JSON</th></tr>\n");
                foreach (var rpc in service.Rpcs)
                {
                    Append($"<tr><td><code>{rpc.GrpcPath}</code><br>{rpc.Shape}</td><td>");
                    foreach (var route in rpc.HttpRoutes)
                    {
                        Append($"<code>{route}</code><br>");
                    }

                    html.Append("</td></tr>\n");
                }

                html.Append("</table>\n");
            }

            Append($"<h2>Events</h2>\n<p><code>POST /</code>: {EventsDescription}.</p>\n<h2>Operation</h2>\n<ul>\n");
            foreach (var (link, path) in _links)
            {
                Append($"<li><a href=\"{path}\">{link}</a></li>\n");
            }

            var reflection = options.GrpcReflection ? "on: grpcurl and other tools find the services by themselves" : "off";
            Append($"</ul>\n<p>gRPC server reflection is {reflection}.</p>\n");
            html.Append("</body>\n</html>\n");
            return Encoding.UTF8.GetBytes(html.ToString());

            void Append(FormattableString text)
            {
                var encoded = text.GetArguments().Select(argument => (object)HtmlEncoder.Default.Encode((string?)argument ?? "")).ToArray();
                html.AppendFormat(CultureInfo.InvariantCulture, text.Format, encoded);
            }
        }
    }
}

/// <summary>Maps the page.</summary>
internal static class LandingPageExtensions
{
    /// <summary>Maps it behind all routes of the application: its own page at <c>/</c> comes first.</summary>
    public static IEndpointConventionBuilder MapLandingPage(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        return endpoints
            .MapMethods("/", [HttpMethods.Get, HttpMethods.Head], http => services.GetRequiredService<LandingPage>().HandleAsync(http))
            .WithOrder(int.MaxValue);
    }
}
