using System.Reflection;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Topics;
using Google.Api;
using Google.Protobuf.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace CloudState.Knative.OpenApi;

/// <summary>The OpenAPI document of a service, made from the descriptors of its .proto files.</summary>
internal static class ServiceDocument
{
    public static byte[] Write(IServiceProvider services, Action<OpenApiDocument>? configure)
    {
        var document = Create(
            services.GetRequiredService<ServiceName>().Value,
            services.GetRequiredService<EntityDefinitions>().All.Select(entity => entity.Service)
                .Concat(services.GetRequiredService<ActionDefinitions>().All.Select(action => action.Definition.Service)));
        configure?.Invoke(document);
        using var text = new StringWriter();
        document.SerializeAsV31(new OpenApiJsonWriter(text));
        return System.Text.Encoding.UTF8.GetBytes(text.ToString());
    }

    public static OpenApiDocument Create(string title, IEnumerable<ServiceDescriptor> services)
    {
        var document = new OpenApiDocument
        {
            Info = new OpenApiInfo { Title = title, Version = VersionOfService() },
            Paths = [],
            Components = new OpenApiComponents { Schemas = new Dictionary<string, IOpenApiSchema>() },
            Tags = new HashSet<OpenApiTag>(),
        };
        var operations = new Operations(document, new MessageSchemas(document));
        foreach (var service in services.Where(service => !service.IsInternal()))
        {
            document.Tags.Add(new OpenApiTag { Name = service.FullName });
            foreach (var rpc in service.Methods.Where(rpc => !rpc.IsInternal() && !rpc.IsClientStreaming))
            {
                var bindings = BindingsOf(rpc).ToList();
                for (var number = 0; number < bindings.Count; number++)
                {
                    Add(document, bindings[number], operations.Create(rpc, bindings[number], number));
                }
            }
        }

        return document;
    }

    /// <summary>Those of its HTTP rules; without one it is served at its gRPC path.</summary>
    private static IEnumerable<HttpBinding> BindingsOf(MethodDescriptor rpc) =>
        rpc.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is { } rule
            ? rule.AdditionalBindings.Prepend(rule).Select(HttpBinding.Of).OfType<HttpBinding>()
            : [HttpBinding.Of(new HttpRule { Post = $"/{rpc.FullRpcName()}", Body = "*" })!];

    private static void Add(OpenApiDocument document, HttpBinding binding, OpenApiOperation operation)
    {
        if (!document.Paths.TryGetValue(binding.Path, out var item))
        {
            document.Paths[binding.Path] = item = new OpenApiPathItem { Operations = [] };
        }

        item.Operations!.TryAdd(binding.Method, operation);
    }

    private static string VersionOfService() =>
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "1.0.0";
}
