using CloudState.Knative.Tck.Action;
using CloudState.Knative.Tck.Crdts;
using CloudState.Knative.Tck.EventSourced;
using CloudState.Knative.Tck.ValueEntity;
using Google.Protobuf.Reflection;
using Grpc.Reflection.V1Alpha;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>Server reflection: a client that has no .proto finds the models, their messages and their HTTP rules.</summary>
public abstract class ReflectionContract(TckDeployment tck) : ConformanceTest(tck)
{
    private static readonly ServiceDescriptor[] Services =
    [
        EventSourcedTckModel.Descriptor, EventSourcedTwo.Descriptor, EventSourcedConfigured.Descriptor,
        ValueEntityTckModel.Descriptor, ValueEntityTwo.Descriptor, ValueEntityConfigured.Descriptor,
        CrdtTckModel.Descriptor, CrdtTwo.Descriptor, CrdtConfigured.Descriptor,
        ActionTckModel.Descriptor, ActionTwo.Descriptor,
    ];

    public static TheoryData<string> ServiceNames => [.. Services.Select(service => service.FullName)];

    [Theory]
    [MemberData(nameof(ServiceNames))]
    public async Task Service_IsListed(string service)
    {
        var reply = await AskAsync(new ServerReflectionRequest { ListServices = "" });

        Assert.Contains(service, reply.ListServicesResponse.Service.Select(listed => listed.Name));
    }

    [Theory]
    [MemberData(nameof(ServiceNames))]
    public async Task Service_IsDescribedWithItsImports(string service)
    {
        var reply = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = service });

        var files = reply.FileDescriptorResponse.FileDescriptorProto.ToArray();
        Assert.Contains(Services.Single(descriptor => descriptor.FullName == service).File.SerializedData, files);
        var described = Array.ConvertAll(files, FileDescriptorProto.Parser.ParseFrom);
        Assert.Empty(described.SelectMany(file => file.Dependency).Except(described.Select(file => file.Name)));
    }

    private async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
    {
        using var call = new ServerReflection.ServerReflectionClient(Tck.Channel).ServerReflectionInfo(Options);
        await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(Options.CancellationToken));
        var answer = call.ResponseStream.Current;
        Assert.False(await call.ResponseStream.MoveNext(Options.CancellationToken));
        return answer;
    }
}

[Collection<EmbeddedTck>]
public sealed class ReflectionEmbeddedTests(EmbeddedTck tck) : ReflectionContract(tck);

[Collection<ThreePodsTck>]
public sealed class ReflectionThreePodsTests(ThreePodsTck tck) : ReflectionContract(tck);
