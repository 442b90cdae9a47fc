using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>
/// Attacks the sample, on one store after the other, while a well-behaved client works beside. Fails when the process dies, when it does not recover,
/// when readiness says yes while all writes are refused, when a smuggled request is carried out, or when something acknowledged is not there.
/// </summary>
internal sealed class HostileRun(HostileOptions options)
{
    private static readonly TimeSpan RecoveryTime = TimeSpan.FromSeconds(60);

    private readonly string _work = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_WORK") ?? throw new InvalidOperationException(HostileOptions.Usage);
    private readonly List<string> _problems = [];

    /// <returns>0 when the service held.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_work, "pods")).FullName;
        if (StoreAttacks.SqliteDisk is null)
        {
            Console.WriteLine("Skipped: disks that are full. That needs root and mount.");
        }

        Console.WriteLine("| store | attack | writes | refused | no answer | p50 ms | p99 ms | max ms | well again after s |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        await AttackAsync("sqlite", folder, [.. ClientAttacks.All, .. StoreAttacks.OfSqlite], new() { ["CloudState__Sqlite__Path"] = Path.Combine(StoreAttacks.SqliteDisk ?? folder, "carts.db") }, cancellationToken);
        await AttackAsync("postgres", folder, [.. ClientAttacks.All, .. StoreAttacks.OfPostgres], await PreparePostgresAsync(folder), cancellationToken);

        _problems.ForEach(problem => Console.WriteLine($"Problem: {problem}"));
        if (_problems.Count > 0)
        {
            await File.WriteAllTextAsync(Path.Combine(_work, "keep"), "", cancellationToken);
            Console.WriteLine($"The logs of the service: {folder}");
        }

        return _problems.Count == 0 ? 0 : 1;
    }

    private async Task AttackAsync(string store, string folder, IReadOnlyList<Attack> attacks, Dictionary<string, string> settings, CancellationToken cancellationToken)
    {
        await using var service = await HostileService.StartAsync(store, folder, Path.Combine(_work, "pids"), settings);
        using var neighbour = new Neighbour(service);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await RecoveredAsync(service, neighbour, cancellationToken);
        var working = neighbour.RunAsync(ended.Token);
        foreach (var attack in attacks)
        {
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            time.CancelAfter(options.AttackTime);
            neighbour.TakeNoticed();
            await attack.RunAsync(service, time.Token);
            var noticed = neighbour.TakeNoticed();
            var recovery = await RecoveredAsync(service, neighbour, cancellationToken);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {store} | {attack.Name} | {noticed.Latencies.Length} | {noticed.Refused} | {noticed.Unanswered} | {noticed.Percentile(0.5):F1} | {noticed.Percentile(0.99):F1} | {noticed.Percentile(1):F1} | {recovery?.TotalSeconds:F1} |"));
            if (recovery is null)
            {
                _problems.Add($"{store}, {attack.Name}: {(service.HasExited ? "the process ended" : "not well again")}");
                break;
            }
        }

        await ended.CancelAsync();
        await working;
        if (service.HasExited)
        {
            return;
        }

        var missing = await neighbour.CountMissingAsync();
        Console.WriteLine($"{store}: {neighbour.Acknowledged} writes acknowledged, {missing} of them missing; readiness was wrong {neighbour.Lies} times");
        Check(missing == 0, $"{store}: {missing} acknowledged writes are missing");
        Check(neighbour.Lies == 0, $"{store}: ready while all writes were refused");
        Check(neighbour.Acknowledged > 0, $"{store}: nothing was acknowledged");
        Check(await neighbour.CountItemsAsync(ClientAttacks.SmuggledCart) == 0, $"{store}: a smuggled request was carried out");
    }

    private void Check(bool isRight, string problem)
    {
        if (!isRight)
        {
            _problems.Add(problem);
        }
    }

    /// <summary>How long it takes until the service is ready and has acknowledged another write; null when it does not come so far.</summary>
    private static async Task<TimeSpan?> RecoveredAsync(HostileService service, Neighbour neighbour, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var before = neighbour.Acknowledged;
        while (Stopwatch.GetElapsedTime(started) < RecoveryTime && !service.HasExited)
        {
            if (await neighbour.IsReadyAsync() && (before == 0 || neighbour.Acknowledged > before))
            {
                return Stopwatch.GetElapsedTime(started);
            }

            await Task.Delay(20, cancellationToken);
        }

        return null;
    }

    /// <summary>Makes the schema, and a role that has no more than it needs.</summary>
    private static async Task<Dictionary<string, string>> PreparePostgresAsync(string folder)
    {
        var postgres = new PostgresServer();
        await new PodSettings(folder, postgres, TimeSpan.FromSeconds(5), Sabotage: null).MigrateAsync();
        await StoreAttacks.RunAsync(
            $"create role {StoreAttacks.Role} login; grant usage on schema public to {StoreAttacks.Role}; " +
            $"grant select, insert, update, delete on all tables in schema public to {StoreAttacks.Role}; " +
            $"grant usage, select on all sequences in schema public to {StoreAttacks.Role}");
        return new()
        {
            ["ConnectionStrings__CloudState"] = new Npgsql.NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Username = StoreAttacks.Role }.ConnectionString,
            ["CloudState__Cluster__Port"] = "0",
            ["CloudState__Cluster__Address"] = "127.0.0.1",
        };
    }
}
