using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>What all workloads work with.</summary>
internal sealed record Workbench(RunOptions Options, PostgresServer Postgres, ServerStarter Starter);
