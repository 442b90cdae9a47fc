namespace CloudState.Knative.Faults.Upgrade;

/// <summary>All shoppers of one store, and what is found out about their commands.</summary>
internal sealed class Traffic(string store, Func<Target?> next)
{
    private const int Shoppers = 16;

    // What the sample's SnapshotEvery is.
    private const int EventsOfASnapshot = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _ended = new();
    private readonly Acknowledgements _acknowledgements = new();
    private readonly Findings _findings = new(store);
    private Shopper[] _shoppers = [];
    private Task _shopping = Task.CompletedTask;
    private int _beforeChange;

    public void Start(CancellationToken cancellationToken)
    {
        _shoppers = [.. Enumerable.Range(0, Shoppers).Select(number => new Shopper(number, next, _acknowledgements, _findings))];
        _shopping = Task.WhenAll(_shoppers.Select(shopper => Task.Run(() => shopper.ShopAsync(_ended.Token, cancellationToken), CancellationToken.None)));
    }

    /// <summary>Waits until processes of one release have acknowledged so many more commands.</summary>
    /// <exception cref="InvalidOperationException">That takes too long.</exception>
    public async Task MoreAsync(bool byOld, int more, CancellationToken cancellationToken)
    {
        var reached = _acknowledgements.MoreAsync(byOld, more);
        await await Task.WhenAny(reached, _shopping, Task.Delay(Patience, cancellationToken));
        if (!reached.IsCompleted)
        {
            throw new InvalidOperationException($"{store}: {(byOld ? "the old" : "the new")} release has not acknowledged {more} commands within {Patience.TotalSeconds} s.");
        }
    }

    /// <summary>From here on the upgrade is under way.</summary>
    public void BeginChange() => _beforeChange = _acknowledgements.All;

    /// <summary>Ends the traffic, compares the carts, repeats all commands and compares again.</summary>
    /// <returns>Whether nothing was lost, applied twice or refused.</returns>
    public async Task<bool> VerifyAsync(CancellationToken cancellationToken)
    {
        await _ended.CancelAsync();
        await _shopping;
        var acknowledged = _acknowledgements.All;

        await Task.WhenAll(_shoppers.Select(shopper => shopper.CheckAllAsync("after the upgrade", cancellationToken)));
        var repeated = await Task.WhenAll(_shoppers.Select(shopper => shopper.RepeatAllAsync(cancellationToken)));
        await Task.WhenAll(_shoppers.Select(shopper => shopper.CheckAllAsync("after all was repeated", cancellationToken)));

        Console.WriteLine(
            $"{store}: {_beforeChange} acknowledged by the old release, {acknowledged - _beforeChange} during the change, {repeated.Sum()} repeated: " +
            $"{_findings.Lost} lost, {_findings.Twice} applied twice, {_findings.Refused} refused");
        return _findings.AreNone;
    }

    /// <exception cref="InvalidOperationException">No cart has events enough for a snapshot.</exception>
    public void RequireSnapshots()
    {
        if (_shoppers.Max(shopper => shopper.LargestCart) <= EventsOfASnapshot)
        {
            throw new InvalidOperationException($"{store}: no cart has a snapshot yet.");
        }
    }
}
