namespace CloudState.Knative.Faults.Hostile;

/// <summary>What a hostile client, a clumsy one or an operator does to a service.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="RunAsync">Goes on until it is cancelled, and undoes what it has done to the surroundings.</param>
internal sealed record Attack(string Name, Func<HostileService, CancellationToken, Task> RunAsync)
{
    /// <summary>Does something in so many places at a time, again and again. What the service answers, and that it does not, is its own business.</summary>
    public static Attack Repeated(string name, int parallel, Func<HostileService, CancellationToken, Task> act) => new(name, (service, ended) =>
        Task.WhenAll(Enumerable.Range(0, parallel).Select(_ => Task.Run(async () =>
        {
            while (!ended.IsCancellationRequested)
            {
                try
                {
                    await act(service, ended);
                }
                catch (Exception refused) when (refused is IOException or System.Net.Sockets.SocketException or HttpRequestException or OperationCanceledException)
                {
                    // A service that refuses at once is asked again at once, but not by all processors of the machine.
                    await Task.Delay(10, CancellationToken.None);
                }
            }
        }, CancellationToken.None))));
}
