using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Tck.Crdts;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>
/// One run of a case: each command asks the next pod, once that pod shows the state of the reply before. A vote is one of its pod, so that the commands
/// of its cases go to the first one.
/// </summary>
internal sealed class CrdtRun(TckDeployment tck, CrdtCase crdtCase) : IDisposable
{
    private string _id = NewId(crdtCase);
    private AsyncServerStreamingCall<Response>? _watch;
    private string? _shown;
    private int _commands;
    private int _deltas;

    private static CallOptions Options => new(deadline: DateTime.UtcNow + TestService.Patience, cancellationToken: TestContext.Current.CancellationToken);

    private bool IsVote => crdtCase.Type == "Vote";

    public async Task RunAsync()
    {
        foreach (var step in crdtCase.Steps.Replace("/n", $"/{tck.PodCount}", StringComparison.Ordinal).Split("; "))
        {
            await StepAsync(step);
        }

        if (_shown is not null)
        {
            await AllShowAsync(_shown);
        }
    }

    public void Dispose() => _watch?.Dispose();

    private Task StepAsync(string step)
    {
        var words = step.Split(' ', 2);
        var rest = words.Length > 1 ? words[1] : "";
        switch (words[0])
        {
            case "init":
                return AllShowAsync(wanted: null);
            case "new":
                (_id, _shown) = (NewId(crdtCase), null);
                return Task.CompletedTask;
            case "shows":
                _shown = rest;
                return AllShowAsync(rest);
            case "restart":
                return tck.RestartAsync();
            case "passivate":
                return PassivateAsync();
            case "watch":
                _watch = Watch(0);
                return ReceivesAsync(_watch, rest[2..]);
            case "M":
                return ReceivesAsync(_watch!, rest);
            case "unwatch":
                _watch!.Dispose();
                return Task.CompletedTask;
            case "Δ":
                // All pods but the one that is asked next.
                return DeltaAsync(_commands + 1 + (_deltas++ % Math.Max(1, tck.PodCount - 1)), rest);
            case "Δ1" or "Δ2":
                return DeltaAsync(words[0][1] - '0', rest);
            default:
                var parts = step.Split(" →");
                return CommandAsync(parts[0], parts[1].Trim());
        }
    }

    private async Task CommandAsync(string actions, string expected)
    {
        var pod = IsVote ? 0 : _commands++;
        if (expected.StartsWith("! ", StringComparison.Ordinal))
        {
            var failure = await Assert.ThrowsAsync<RpcException>(() => ProcessAsync(pod, actions));
            Assert.Equal((StatusCode.FailedPrecondition, expected[2..]), (failure.StatusCode, failure.Status.Detail));
            return;
        }

        Assert.Equal((actions, expected), (actions, await ProcessAsync(pod, actions)));
        var (now, later) = (Ids("forward").Concat(Ids("synchronous")).ToArray(), Ids("effect"));
        Assert.Equal(now, tck.Calls.Of(now));
        await tck.Calls.ReceivedAsync(later, TestContext.Current.CancellationToken).WaitAsync(TestService.Patience);
        Assert.Equal(later.Order(), tck.Calls.Of(later).Order());

        string[] Ids(string verb) => Array.ConvertAll(CrdtSteps.Targets(actions, verb), TargetId);
    }

    private async Task DeltaAsync(int pod, string actions)
    {
        await ProcessAsync(pod, actions);
        if (actions == "delete")
        {
            // The next step says what it is then.
            _shown = null;
        }
    }

    private async Task<string> ProcessAsync(int pod, string actions)
    {
        if (_shown is not null)
        {
            await ShowsAsync(pod, _shown);
        }

        var request = new Request { Id = _id, Actions = { CrdtSteps.Actions(actions, crdtCase.Type, TargetId) } };
        var reply = await new CrdtTckModel.CrdtTckModelClient(tck.Pod(pod).Channel).ProcessAsync(request, Options);
        var text = CrdtSteps.Text(reply.State);
        _shown = reply.State is null ? _shown : text;
        return text;
    }

    private async Task PassivateAsync()
    {
        await AllShowAsync(_shown);
        tck.Passivate(CrdtTckModelEntity.EntityType);
    }

    private async Task AllShowAsync(string? wanted)
    {
        for (var pod = 0; pod < tck.PodCount; pod++)
        {
            await ShowsAsync(pod, wanted);
        }
    }

    /// <summary>Waits until a pod shows a state; without one, until it has answered.</summary>
    private async Task ShowsAsync(int pod, string? wanted)
    {
        using var watch = Watch(pod);
        string shown;
        do
        {
            shown = await NextAsync(watch);
        }
        while (wanted is not null && OfAll(shown) != OfAll(wanted));
    }

    /// <summary>Without the vote of the pod itself.</summary>
    private string OfAll(string state) => IsVote ? state[1..] : state;

    private AsyncServerStreamingCall<Response> Watch(int pod) =>
        new CrdtTckModel.CrdtTckModelClient(tck.Pod(pod).Channel).ProcessStreamed(new StreamedRequest { Id = _id }, Options);

    private static async Task ReceivesAsync(AsyncServerStreamingCall<Response> watch, string expected) => Assert.Equal(expected, await NextAsync(watch));

    private static async Task<string> NextAsync(AsyncServerStreamingCall<Response> watch)
    {
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        return CrdtSteps.Text(watch.ResponseStream.Current.State);
    }

    private static string NewId(CrdtCase crdtCase) => $"{crdtCase.Type}-{Guid.NewGuid():N}";

    private string TargetId(string label) => $"{label}-{_id}";
}
