using System.Diagnostics;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Upgrade;

/// <summary>The process that gets the next request.</summary>
internal sealed record Target(PodConnections Connections, bool IsOld);

/// <summary>
/// One client with carts of its own, one request at a time: knows what is in them. Repeats a command without an answer under the same id, at the next
/// process; now and then it gives the command up, and its outcome stays unknown.
/// </summary>
internal sealed class Shopper
{
    private const int Carts = 20;
    private const double ReadShare = 0.2;
    private const double RemovalShare = 0.1;
    private const double EarlyRemovalShare = 0.05;
    private const double ImpatientShare = 0.3;

    // One of four shoppers fills its first cart with so many of its commands that there are snapshots.
    private const int LargeCartPeriod = 4;
    private const double LargeCartShare = 0.9;

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(20);

    private readonly Random _random;
    private readonly bool _hasLargeCart;
    private readonly Func<Target?> _next;
    private readonly Acknowledgements _acknowledgements;
    private readonly Findings _findings;
    private readonly CartAccount[] _carts;

    public Shopper(int number, Func<Target?> next, Acknowledgements acknowledgements, Findings findings)
    {
        _random = new Random(number);
        _hasLargeCart = number % LargeCartPeriod == 0;
        (_next, _acknowledgements, _findings) = (next, acknowledgements, findings);
        _carts = [.. Enumerable.Range(0, Carts).Select(cart => new CartAccount($"shopper-{number}-{cart}"))];
    }

    public int LargestCart => _carts.Max(cart => cart.Events);

    /// <summary>Shops until <paramref name="ended"/>, and finishes the last request.</summary>
    /// <param name="ended">The end of the traffic.</param>
    /// <param name="cancellationToken">Breaks off.</param>
    public async Task ShopAsync(CancellationToken ended, CancellationToken cancellationToken)
    {
        while (!ended.IsCancellationRequested)
        {
            var cart = _carts[_hasLargeCart && _random.NextDouble() < LargeCartShare ? 0 : _random.Next(Carts)];
            var dice = _random.NextDouble();
            if (dice < ReadShare)
            {
                await CheckAsync(cart, "read during the upgrade", cancellationToken);
            }
            else if (dice < ReadShare + RemovalShare && cart.Remove(_random) is { } removal)
            {
                await SendAsync(removal, cancellationToken);
            }
            else
            {
                if (dice > 1 - EarlyRemovalShare)
                {
                    await SendEarlyAsync(cart, cancellationToken);
                }

                await SendAsync(cart.Add(_random), cancellationToken);
            }
        }
    }

    /// <summary>Compares each cart with what was acknowledged.</summary>
    public async Task CheckAllAsync(string when, CancellationToken cancellationToken)
    {
        foreach (var cart in _carts)
        {
            await CheckAsync(cart, when, cancellationToken);
        }
    }

    /// <summary>Sends all commands once more. A command whose outcome was unknown has one then.</summary>
    /// <returns>How many.</returns>
    public async Task<int> RepeatAllAsync(CancellationToken cancellationToken)
    {
        foreach (var command in _carts.SelectMany(cart => cart.Sent))
        {
            var (answer, _) = await UntilAnsweredAsync((target, timeout) => CommandCaller.CallAsync(target.Connections, command, timeout, cancellationToken), isImpatient: false, cancellationToken);
            var outcome = ToOutcome(answer);
            if (outcome == CommandOutcome.Unknown || (command.Outcome != CommandOutcome.Unknown && outcome != command.Outcome))
            {
                _findings.AddRefused($"repeated {command}: first {command.Outcome}, now {answer.Text}");
            }
            else
            {
                command.Outcome = outcome;
            }
        }

        return _carts.Sum(cart => cart.Sent.Count);
    }

    private async Task SendEarlyAsync(CartAccount cart, CancellationToken cancellationToken)
    {
        var tooEarly = cart.RemoveTooEarly(_random);
        await SendAsync(tooEarly, cancellationToken);
        if (tooEarly.Outcome != CommandOutcome.Rejected)
        {
            cart.SkipItem();
        }
    }

    private async Task SendAsync(SentCommand command, CancellationToken cancellationToken)
    {
        var isImpatient = _random.NextDouble() < ImpatientShare;
        var (answer, byOld) = await UntilAnsweredAsync((target, timeout) => CommandCaller.CallAsync(target.Connections, command, timeout, cancellationToken), isImpatient, cancellationToken);
        command.Outcome = ToOutcome(answer);
        switch (command.Outcome)
        {
            case CommandOutcome.Done:
                _acknowledgements.Count(byOld);
                break;
            case CommandOutcome.Unknown when answer.Kind == AnswerKind.Unexpected || !isImpatient:
                _findings.AddRefused($"{command}: {answer.Text}");
                break;
        }
    }

    private async Task CheckAsync(CartAccount cart, string when, CancellationToken cancellationToken)
    {
        var isGrpc = _random.Next(2) == 0;
        var (answer, _) = await UntilAnsweredAsync(
            (target, timeout) => isGrpc
                ? GrpcCaller.ReadAsync(target.Connections, cart.Key, timeout, cancellationToken)
                : RestCaller.ReadAsync(target.Connections, cart.Key, timeout, cancellationToken),
            isImpatient: false,
            cancellationToken);
        if (answer.Kind != AnswerKind.Success)
        {
            _findings.AddRefused($"{cart.Key}, {when}: {answer.Text}");
            return;
        }

        var (lost, twice) = cart.Compare(answer.Items);
        _findings.AddContents($"{cart.Key}, {when}", lost, twice);
    }

    private async Task<(Answer Answer, bool ByOld)> UntilAnsweredAsync(Func<Target, TimeSpan, Task<Answer>> callAsync, bool isImpatient, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var answer = Answer.Retriable("no process to ask");
        while (true)
        {
            if (_next() is { } target)
            {
                answer = await callAsync(target, AttemptTimeout);
                if (answer.Kind is AnswerKind.Success or AnswerKind.Unexpected || (isImpatient && answer.Kind == AnswerKind.Retriable))
                {
                    return (answer, target.IsOld);
                }
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                return (answer, false);
            }

            await Task.Delay(RetryPause, cancellationToken);
        }
    }

    private static CommandOutcome ToOutcome(Answer answer) =>
        answer.Kind == AnswerKind.Success ? CommandOutcome.Done
        : CommandCaller.IsRejection(answer) ? CommandOutcome.Rejected
        : CommandOutcome.Unknown;
}
