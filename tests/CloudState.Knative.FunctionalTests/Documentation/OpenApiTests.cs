using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.OpenApi;
using Google.Protobuf.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Xunit;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>The OpenAPI document says what the service does.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class OpenApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Document_IsServed_AsAnAnswerToItsFirstRequestAndToLaterOnes()
    {
        await using var service = await TestService.StartAsync(more: cloudState => cloudState.AddOpenApi(document => document.Info.Title = "Carts"));

        var text = await service.Http1.GetStringAsync("/openapi.json", Cancellation);

        var document = Read(text);
        Assert.Equal("Carts", document.Info.Title);
        Assert.Equal(
            ["/cart/{user_id}/items/add", "/cart/{user_id}/items/{product_id}/remove", "/carts/{user_id}", "/carts/{user_id}/changes", "/carts/{user_id}/items"],
            document.Paths.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(text, await service.Http1.GetStringAsync("/openapi.json", Cancellation));
        Assert.Contains("/openapi.json", await service.Http1.GetStringAsync("/", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutTheCall_ThereIsNoDocument()
    {
        await using var service = await TestService.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await service.Http1.GetAsync("/openapi.json", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task EveryOperation_IsServed()
    {
        await using var service = await TestService.StartAsync(more: cloudState => cloudState.AddEntity<ProbeEntity>().AddOpenApi());
        var document = Read(await service.Http1.GetStringAsync("/openapi.json", Cancellation));

        foreach (var (path, item) in document.Paths)
        {
            foreach (var (method, operation) in item.Operations!)
            {
                var url = (operation.Parameters ?? []).Where(parameter => parameter.In == ParameterLocation.Path)
                    .Aggregate(path, (url, parameter) => url.Replace($"{{{parameter.Name}}}", "x", StringComparison.Ordinal));
                using var request = new HttpRequestMessage(method, url);
                request.Content = operation.RequestBody is null ? null : new StringContent("""{"id":"x"}""", Encoding.UTF8, "application/json");
                using var answer = await service.Http1.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);

                Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{method} {url}: {answer.StatusCode}");
                var types = operation.Responses![answer.IsSuccessStatusCode ? "200" : "default"].Content!.Keys;
                Assert.True(types.Contains("*/*") || types.Contains(answer.Content.Headers.ContentType!.MediaType!), $"{method} {url}: {answer.Content.Headers.ContentType}");
            }
        }
    }

    [Fact]
    public async Task Parameters_OfTheQuery_AreTaken()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        var plain = Read(Write(Probes.Probe.Descriptor)).Paths["/probes/{id}/plain"].Operations![HttpMethod.Get];
        var query = plain.Parameters!.Where(parameter => parameter.In == ParameterLocation.Query).Select(parameter => parameter.Name!).ToList();

        Assert.Contains("textValue", query);
        Assert.Contains("part.text", query);
        Assert.Contains("other", query);
        foreach (var name in query)
        {
            var value = name.Contains("text", StringComparison.OrdinalIgnoreCase) || name is "other" or "failure" ? "x" : name.Contains("color", StringComparison.OrdinalIgnoreCase) ? "COLOR_RED" : name.StartsWith("bool", StringComparison.Ordinal) ? "true" : name.StartsWith("bytes", StringComparison.Ordinal) ? "eA==" : "1";
            using var answer = await service.Http1.GetAsync($"/probes/a/plain?{name}={Uri.EscapeDataString(value)}", Cancellation);

            Assert.True(name == "failure" ? answer.StatusCode == HttpStatusCode.Conflict : answer.IsSuccessStatusCode, $"{name}: {await answer.Content.ReadAsStringAsync(Cancellation)}");
        }
    }

    [Fact]
    public void Messages_LookAsInProtobufsJson()
    {
        var schemas = JsonNode.Parse(Write(Probes.Probe.Descriptor))!["components"]!["schemas"]!;
        var everything = schemas["cloudstate.tests.probe.Everything"]!["properties"]!;

        Assert.Equal("""{"type":"string","format":"int64"}""", everything["int64Value"]!.ToJsonString());
        Assert.Equal("""{"type":"string","format":"byte"}""", everything["bytesValue"]!.ToJsonString());
        Assert.Equal("""{"$ref":"#/components/schemas/cloudstate.tests.probe.Color"}""", everything["color"]!.ToJsonString());
        Assert.Equal("""{"type":"array","items":{"$ref":"#/components/schemas/cloudstate.tests.probe.Part"}}""", everything["parts"]!.ToJsonString());
        Assert.Equal("""{"type":"object","additionalProperties":{"type":"integer","format":"int32"}}""", everything["amounts"]!.ToJsonString());
        Assert.Equal("""{"type":"string","format":"date-time"}""", everything["timestamp"]!.ToJsonString());
        Assert.Equal("""{"type":["null","string"],"format":"int64"}""", everything["int64Wrapper"]!.ToJsonString());
        Assert.Equal("""{"enum":["COLOR_UNSPECIFIED","COLOR_RED"],"type":"string"}""", schemas["cloudstate.tests.probe.Color"]!.ToJsonString());
        Assert.Equal("{}", everything["value"]!.ToJsonString());
    }

    /// <summary>All services that tests have, whatever their files make use of.</summary>
    [Fact]
    public void EveryService_HasADocumentWithoutDiagnostics()
    {
        var files = typeof(OpenApiTests).Assembly.GetTypes().Append(typeof(ShoppingCart.Api.ShoppingcartReflection))
            .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null)).OfType<FileDescriptor>().ToList();

        Assert.True(files.Count > 5);
        Assert.All(files, file => Read(Write([.. file.Services.Where(service => service.Name != "Contradiction")])));
    }

    private static string Write(params ServiceDescriptor[] services)
    {
        using var text = new StringWriter();
        ServiceDocument.Create("test", services).SerializeAsV31(new OpenApiJsonWriter(text));
        return text.ToString();
    }

    private static OpenApiDocument Read(string text)
    {
        var read = OpenApiDocument.Parse(text, "json");
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic!.SpecificationVersion);
        Assert.Empty(read.Diagnostic.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        return read.Document!;
    }
}
