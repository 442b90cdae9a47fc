using System.Net.Sockets;
using System.Security.Authentication;
using CloudState.Knative.Storage;
using JasperFx.Events;
using Npgsql;
using MartenCollisionException = Marten.Exceptions.ExistingStreamIdCollisionException;

namespace CloudState.Knative.Marten.Connection;

/// <summary>
/// Says in the terms of <see cref="IEntityStore"/> what Marten, which wraps some failures, or Npgsql has thrown.
/// </summary>
internal static class MartenFailures
{
    private const string IdleInTransactionSessionTimeout = "25P03";

    /// <summary>Runs <paramref name="work"/>, with its failures translated.</summary>
    public static async Task<T> TranslateAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (Translate(failure, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>What to throw instead; null for what goes on as it is: cancellation, data errors, bugs.</summary>
    private static Exception? Translate(Exception failure, CancellationToken cancellationToken)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case OperationCanceledException when cancellationToken.IsCancellationRequested:
                    return cause == failure ? null : new OperationCanceledException(cause.Message, failure, cancellationToken);
                case StoreUnavailableException or VersionConflictException or UnreadableEntityException or FencedException:
                    return cause == failure ? null : cause;
                case EventStreamUnexpectedMaxEventIdException or MartenCollisionException:
                    return Conflict(failure);
                case PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } when cancellationToken.IsCancellationRequested:
                    return new OperationCanceledException(cause.Message, failure, cancellationToken);
                case PostgresException refused:
                    return OfServer(refused, failure);
                case NpgsqlException { InnerException: null or AuthenticationException }:
                    return new StoreUnavailableException($"PostgreSQL cannot be used: {cause.Message}", failure) { NeedsOperator = true };
                case NpgsqlException or TimeoutException or SocketException:
                    return new StoreUnavailableException($"PostgreSQL cannot be reached or answers too late: {cause.Message}", failure);
                default:
                    continue;
            }
        }

        return null;
    }

    /// <summary>Whether what was sent is at fault. Classes: 22 data exception (a NUL character, say), 54 limit exceeded (a key that is too long for its index).</summary>
    public static bool IsAboutData(PostgresException refused) => refused.SqlState is ['2', '2', ..] or ['5', '4', ..];

    private static Exception? OfServer(PostgresException refused, Exception failure) => refused.SqlState switch
    {
        PostgresErrorCodes.UniqueViolation when refused.TableName is "mt_streams" or "mt_events" or "cloudstate_commands" or "cloudstate_journal" => Conflict(failure),

        // The loser of such a race against another writer was rolled back.
        PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => Conflict(failure),

        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedColumn
            or PostgresErrorCodes.UndefinedFunction => new StoreUnavailableException(
                $"The database lacks the schema that this service needs ({refused.MessageText}). " +
                "Run the service once with --migrate to create or upgrade it.",
                failure),

        PostgresErrorCodes.LockNotAvailable or IdleInTransactionSessionTimeout or PostgresErrorCodes.ReadOnlySqlTransaction =>
            Unavailable(refused, failure),

        PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege or ['2', '8', ..] => Refusal(refused, failure),

        // Classes: 08 connection, 53 resources, 57 operator intervention (shutdown, statement timeout), 58 system error; above: 28 authorization.
        ['0', '8', ..] or ['5', '3' or '7' or '8', ..] => Unavailable(refused, failure),

        _ when IsAboutData(refused) => new UnstorableDataException($"PostgreSQL cannot store it ({refused.SqlState}): {refused.MessageText}", failure),

        _ => null,
    };

    private static StoreUnavailableException Unavailable(PostgresException refused, Exception failure) =>
        new($"PostgreSQL refuses to serve ({refused.SqlState}): {refused.MessageText}", failure);

    private static StoreUnavailableException Refusal(PostgresException refused, Exception failure) =>
        new($"PostgreSQL refuses to serve ({refused.SqlState}): {refused.MessageText}", failure) { NeedsOperator = true };

    private static VersionConflictException Conflict(Exception failure) =>
        new("Another writer has changed an entity of this batch. Nothing of it was written.", failure);
}
