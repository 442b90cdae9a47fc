using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Measuring;

/// <summary>What the servers and PostgreSQL use from its creation on.</summary>
internal sealed class CpuMeter(IReadOnlyList<Server> servers, PostgresServer postgres)
{
    private readonly TimeSpan _servers = Sum(servers);
    private readonly TimeSpan _postgres = postgres.Cpu;

    public TimeSpan ServerCpu => Sum(servers) - _servers;

    public TimeSpan PostgresCpu => postgres.Cpu - _postgres;

    private static TimeSpan Sum(IReadOnlyList<Server> servers) => servers.Aggregate(TimeSpan.Zero, (sum, server) => sum + server.Cpu);
}
