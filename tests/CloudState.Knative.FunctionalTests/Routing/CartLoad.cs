using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>
/// Clients that add items to a few carts, each command to the next pod in turn. A pod that refuses the connection, or resets it while it
/// closes its port, is passed over, as a load balancer would do; every other failure counts.
/// </summary>
internal sealed class CartLoad : IAsyncDisposable
{
    private const int Clients = 8;
    private const int Carts = 4;

    private readonly string _run = Guid.NewGuid().ToString("N");
    private readonly bool _repeatsFailed;
    private readonly TimeSpan _callTimeout;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, string> _acknowledged = new();
    private readonly ConcurrentBag<(TimeSpan At, TimeSpan Took)> _latencies = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Task[] _clients;
    private volatile ServiceProcess[] _pods;
    private volatile Goal _goal = new(0);
    private int _acknowledgedCount;
    private int _turn;

    /// <param name="repeatsFailed">Whether commands with an unknown outcome are repeated under their id, until they succeed.</param>
    /// <param name="pods">Where to send commands.</param>
    public CartLoad(bool repeatsFailed, params ServiceProcess[] pods)
        : this(repeatsFailed, TestService.Patience, pods)
    {
    }

    /// <param name="repeatsFailed">Whether commands with an unknown outcome are repeated under their id, until they succeed.</param>
    /// <param name="callTimeout">When a client gives a call up.</param>
    /// <param name="pods">Where to send commands.</param>
    public CartLoad(bool repeatsFailed, TimeSpan callTimeout, params ServiceProcess[] pods)
    {
        _repeatsFailed = repeatsFailed;
        _callTimeout = callTimeout;
        _pods = pods;
        _clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(() => RunAsync(client)))];
    }

    public ConcurrentQueue<string> Failures { get; } = new();

    public int Acknowledged => Volatile.Read(ref _acknowledgedCount);

    public TimeSpan WorstLatency => _latencies.IsEmpty ? TimeSpan.Zero : _latencies.Max(latency => latency.Took);

    public void Use(params ServiceProcess[] pods) => _pods = pods;

    /// <summary>Returns when so many more commands have been acknowledged.</summary>
    public async Task ProgressAsync(int commands = 200)
    {
        // Set before looking, so that no acknowledgement in between is missed.
        var goal = _goal = new Goal(Acknowledged + commands);
        if (Acknowledged >= goal.Commands)
        {
            return;
        }

        await goal.Reached.Task.WaitAsync(TestService.Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Assert.True(goal.Reached.Task.IsCompleted, $"No progress at {Acknowledged} commands. {string.Join('\n', Failures.Take(5))}");
    }

    /// <summary>Stops, and checks that every acknowledged item is in its cart, once.</summary>
    public async Task StopAndCheckAsync(ServiceProcess pod)
    {
        await StopAsync();
        var found = new Dictionary<string, string>();
        for (var cart = 0; cart < Carts; cart++)
        {
            foreach (var item in (await ReadAsync(pod, CartOf(cart))).Items)
            {
                Assert.Equal(1, item.Quantity);
                found.Add(item.ProductId, CartOf(cart));
            }
        }

        Assert.All(_acknowledged, item => Assert.Equal(item.Value, found.GetValueOrDefault(item.Key)));
    }

    /// <summary>Reads a cart; a pod that does not have the store yet is asked again.</summary>
    public static async Task<Cart> ReadAsync(ServiceProcess pod, string user)
    {
        var deadline = DateTime.UtcNow + TestService.Patience;
        while (true)
        {
            try
            {
                return await pod.Carts.GetCartAsync(new GetShoppingCart { UserId = user }, deadline: deadline);
            }
            catch (RpcException notYet) when (notYet.StatusCode == StatusCode.Unavailable && DateTime.UtcNow < deadline)
            {
            }
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients).WaitAsync(TestService.Patience);
    }

    private async Task RunAsync(int client)
    {
        for (var number = 0; !_stop.IsCancellationRequested; number++)
        {
            var item = new AddLineItem { UserId = CartOf((client + number) % Carts), ProductId = $"{client}-{number}", Quantity = 1 };
            var started = Stopwatch.GetTimestamp();
            if (await AddAsync(item))
            {
                _acknowledged[item.ProductId] = item.UserId;
                _latencies.Add((Stopwatch.GetElapsedTime(_started), Stopwatch.GetElapsedTime(started)));
                if (Interlocked.Increment(ref _acknowledgedCount) >= _goal.Commands)
                {
                    _goal.Reached.TrySetResult();
                }
            }
        }
    }

    private async Task<bool> AddAsync(AddLineItem item)
    {
        while (true)
        {
            var pods = _pods;
            var pod = pods[Interlocked.Increment(ref _turn) % pods.Length];
            try
            {
                await pod.Carts.AddItemAsync(item, new Metadata { { "idempotency-key", item.ProductId } }, DateTime.UtcNow + _callTimeout);
                return true;
            }
            catch (RpcException refused) when (IsRefused(refused))
            {
                if (_stop.IsCancellationRequested)
                {
                    return false;
                }
            }
            catch (RpcException failed)
            {
                Failures.Enqueue($"{failed.Status} {failed.Status.DebugException}");
                if (!_repeatsFailed)
                {
                    return false;
                }
            }
        }
    }

    private static bool IsRefused(RpcException failure)
    {
        for (var cause = failure.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.ConnectionReset })
            {
                return true;
            }
        }

        return false;
    }

    private string CartOf(int cart) => $"{_run}-{cart}";

    /// <summary>So many commands acknowledged, and the signal that they are.</summary>
    private sealed record Goal(int Commands)
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
