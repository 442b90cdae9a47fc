using CloudState.Knative.Grpc;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CloudState.Knative.UnitTests.Grpc;

public sealed class LazyGrpcServicesTests
{
    [Fact]
    public async Task ServicesThatAreCalledFirstAtTheSameTime_AreMappedOneAfterAnother()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        var isMapping = false;
        var overlapped = false;
        Thread? second = null;
        void CallFirst(string path) => ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Single(endpoint => endpoint.RoutePattern.RawText == path).RequestDelegate!(new DefaultHttpContext());
        app.MapLazily(
            routes =>
            {
                isMapping = true;
                second = new Thread(() => CallFirst("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"));
                second.Start();
                SpinWait.SpinUntil(() => overlapped || second.ThreadState.HasFlag(ThreadState.WaitSleepJoin), TimeSpan.FromSeconds(20));
                routes.MapPost("/grpc.health.v1.Health/Check", () => { });
                isMapping = false;
            },
            new LazyGrpcService("grpc.health.v1.Health", typeof(Health.HealthBase), "Check"));
        app.MapLazily(
            routes =>
            {
                overlapped = isMapping;
                routes.MapPost("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", () => { });
            },
            new LazyGrpcService("grpc.reflection.v1.ServerReflection", typeof(ServerReflection.ServerReflectionBase), "ServerReflectionInfo"));

        CallFirst("/grpc.health.v1.Health/Check");
        second!.Join();

        Assert.False(overlapped);
    }
}
