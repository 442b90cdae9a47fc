using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

public sealed class CrdtCaseTests
{
    [Fact]
    public void EachCaseOfTheKit_IsTestedOrSaysWhyNot()
    {
        foreach (var crdtCase in CrdtCases.All)
        {
            var (embedded, threePods) = (crdtCase.NeedsOthers ? "needs other voters" : Outcome(crdtCase), Outcome(crdtCase));
            TestContext.Current.TestOutputHelper!.WriteLine($"| {crdtCase.Number} | {crdtCase.Type} {crdtCase.Name} | {embedded} | {threePods} |");
            Assert.True(crdtCase.Steps.Length > 0 || crdtCase.Test is not null || crdtCase.Without is not null, $"Case {crdtCase.Number} is not tested.");
        }

        Assert.Equal(Enumerable.Range(1, 88), CrdtCases.All.Select(crdtCase => crdtCase.Number));
    }

    private static string Outcome(CrdtCase crdtCase) => crdtCase switch
    {
        { Without: null } => "tested",
        { Steps.Length: > 0 } => $"tested without {crdtCase.Without}",
        _ => $"not applicable: {crdtCase.Without}",
    };
}
