using System.Net.Sockets;
using System.Reflection;
using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Hosting;

/// <summary>
/// Ends a process that cannot start, because of its settings or its surroundings, with a sentence on stderr and the exit code 1: no stack trace, no
/// dump. Exceptions that say something about code keep their stack trace, but end with the exit code 1 as well: a process that aborts shows its
/// container an exit code of a signal, and may write a dump.
/// </summary>
/// <remarks>
/// Such exceptions leave by two doors. In <c>RunCloudStateAsync</c> they are caught. Before that, in the user's <c>Program</c>, they are not: there a
/// handler of unhandled exceptions ends the process. Both doors stay closed in a process that is not the service itself, such as that of a test.
/// </remarks>
internal sealed class StartFailures(IHostEnvironment environment)
{
    private const string Mark = "CloudState.Knative.StartFailure";

    private static int _handles;
    private volatile bool _hasExplained;

    /// <summary>Whether the process is that of the service.</summary>
    public bool IsOwnProcess { get; } = Assembly.GetEntryAssembly()?.GetName().Name == environment.ApplicationName;

    /// <summary>Whether a sentence is about to say why the host does not start, so that the host need not log its stack trace.</summary>
    public bool HasExplained => _hasExplained;

    /// <summary>Whether the service has started. What nothing catches after that is a crash, and may leave a dump.</summary>
    public bool HasStarted { get; set; }

    /// <summary>What has ended the service after its start; null when nothing has.</summary>
    public Exception? Ended { get; private set; }

    /// <summary>Marks an exception whose message says to the user what to do.</summary>
    public static InvalidOperationException Of(string message)
    {
        var failure = new InvalidOperationException(message);
        failure.Data[Mark] = true;
        return failure;
    }

    /// <summary>The sentence; null when the exception is about code.</summary>
    public static string? Explain(Exception failure) => failure switch
    {
        OptionsValidationException wrong => string.Join(Environment.NewLine, wrong.Failures),
        EntityDefinitionException or StoreUnavailableException => failure.Message,
        IOException { InnerException: AddressInUseException } =>
            $"{failure.Message.TrimEnd('.')}. Stop the other process, " +
            "or set PORT (for the internal port: CloudState__Cluster__Port) to another number.",
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            $"A port cannot be opened: {failure.Message}. Set PORT and CloudState__Cluster__Port to numbers from 1024, " +
            "or give the process the right to open others.",
        _ when failure.Data.Contains(Mark) => failure.Message,
        _ => null,
    };

    /// <summary>The sentence, or else the exception with its stack trace.</summary>
    public static string Describe(Exception failure) => Explain(failure) ?? failure.ToString();

    /// <summary>An exception filter around what only this library does at the start. Catches nothing.</summary>
    public bool Note(Exception failure)
    {
        if (failure is InvalidOperationException)
        {
            failure.Data[Mark] = true;
        }

        _hasExplained |= IsOwnProcess && Explain(failure) is not null;
        return false;
    }

    /// <summary>Notes what ends the service after its start: also a store that turns out to be unusable then.</summary>
    /// <returns>Whether a sentence will say what it is.</returns>
    public bool Report(Exception failure, bool isOfStore)
    {
        Ended = failure;
        if (isOfStore)
        {
            Note(failure);
        }

        return HasExplained;
    }

    /// <summary>From now on, exceptions of the start that nothing catches are described.</summary>
    public void HandleUnhandled()
    {
        if (IsOwnProcess && Interlocked.Exchange(ref _handles, 1) == 0)
        {
            AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
            {
                if (!HasStarted && unhandled.ExceptionObject is Exception failure)
                {
                    Console.Error.WriteLine(Describe(failure));
                    Environment.Exit(1);
                }
            };
        }
    }
}
