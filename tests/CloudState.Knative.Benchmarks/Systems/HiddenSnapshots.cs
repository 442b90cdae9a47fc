namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>CloudState's snapshots, out of its sight until this is disposed of. No server may run when that changes.</summary>
internal sealed class HiddenSnapshots : IAsyncDisposable
{
    private const string Hide = "create table hidden_snapshots as table mt_doc_entitysnapshot; truncate mt_doc_entitysnapshot";
    private const string Restore = "truncate mt_doc_entitysnapshot; insert into mt_doc_entitysnapshot table hidden_snapshots; drop table hidden_snapshots; analyze mt_doc_entitysnapshot";

    private readonly PostgresServer _postgres;
    private readonly BenchSystem _system;

    private HiddenSnapshots(PostgresServer postgres, BenchSystem system) => (_postgres, _system) = (postgres, system);

    public static async Task<HiddenSnapshots> HideAsync(PostgresServer postgres, BenchSystem system, CancellationToken cancellationToken)
    {
        await postgres.ExecuteAsync(system, Hide, cancellationToken);
        return new HiddenSnapshots(postgres, system);
    }

    public async ValueTask DisposeAsync() => await _postgres.ExecuteAsync(_system, Restore, CancellationToken.None);
}
