using System.Diagnostics;
using System.Text;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>The session in samples/Orders/README.md has its output, with all three processes.</summary>
public sealed class OrdersSampleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Session_HasItsOutput()
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(ReadmeTests.Root, "samples/Orders/run.sh"), "--demo"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NO_BUILD"] = "1";
        var output = new StringBuilder();
        using var demo = new Process { StartInfo = start };
        demo.OutputDataReceived += (_, line) => Read(line.Data);
        demo.ErrorDataReceived += (_, line) => Read(line.Data);
        demo.Start();
        demo.BeginOutputReadLine();
        demo.BeginErrorReadLine();
        try
        {
            await demo.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The demo has not ended after {Patience}:\n{Output()}");
        }
        finally
        {
            demo.Kill(entireProcessTree: true);
        }

        Assert.True(demo.ExitCode == 0, $"The demo has ended with {demo.ExitCode}:\n{Output()}");

        void Read(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }

        string Output()
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }
}
