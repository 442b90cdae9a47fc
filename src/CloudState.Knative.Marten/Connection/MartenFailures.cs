using System.Net.Sockets;
using System.Security.Authentication;
using CloudState.Knative.Storage;
using JasperFx.Events;
using Npgsql;
using MartenCollisionException = Marten.Exceptions.ExistingStreamIdCollisionException;

namespace CloudState.Knative.Marten.Connection;

/// <summary>What a piece of work at the database is for, and so what its failure can be about.</summary>
internal enum WorkKind
{
    /// <summary>The service itself: whatever the database says, the store is not usable.</summary>
    Service,

    /// <summary>One command: some of what the database says is about that.</summary>
    Command,

    /// <summary>Commands, and other writers may be faster.</summary>
    Append,
}

/// <summary>
/// Says in the terms of <see cref="IEntityStore"/> what Marten, which wraps some failures, or Npgsql has thrown. Whatever the server says is either about the command, or the
/// store is not usable: then commands and deliveries wait for it, whether it is known here or not.
/// </summary>
internal static class MartenFailures
{
    private const string InvalidStatementName = "26000";

    /// <summary>Runs <paramref name="work"/>, with its failures translated.</summary>
    public static async Task<T> TranslateAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken, WorkKind kind = WorkKind.Service)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (Translate(failure, kind, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>What to throw instead; null for what goes on as it is: cancellation, what only concerns the command, bugs.</summary>
    private static Exception? Translate(Exception failure, WorkKind kind, CancellationToken cancellationToken)
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
                case AggregateException or NpgsqlException when FindAnswer(cause) is { } refused:
                    return OfServer(refused, kind, failure);
                case NpgsqlException { InnerException: null or AuthenticationException }:
                    return new StoreUnavailableException($"PostgreSQL cannot be used: {cause.Message}", failure) { NeedsOperator = true };
                case NpgsqlException or TimeoutException or SocketException:
                    return new StoreUnavailableException($"PostgreSQL cannot be reached or answers too late: {cause.Message}", failure);

                // Npgsql's own words for an answer that it does not expect; it has closed the connection.
                case { Source: "Npgsql" } when cause.GetType() == typeof(Exception):
                    return new StoreUnavailableException($"The connection to PostgreSQL was lost: {cause.Message}", failure);
                default:
                    continue;
            }
        }

        return null;
    }

    /// <summary>What the server has said, also of several hosts or statements of which each has failed.</summary>
    private static PostgresException? FindAnswer(Exception failure) => failure switch
    {
        PostgresException refused => refused,
        AggregateException several => several.InnerExceptions.Select(FindAnswer).FirstOrDefault(refused => refused is not null),
        { InnerException: { } inner } => FindAnswer(inner),
        _ => null,
    };

    /// <summary>Whether what was sent is at fault. Classes: 22 data exception (a NUL character, say), 54 limit exceeded (a key that is too long for its index).</summary>
    public static bool IsAboutData(PostgresException refused) => refused.SqlState is ['2', '2', ..] or ['5', '4', ..];

    private static Exception? OfServer(PostgresException refused, WorkKind kind, Exception failure) => refused.SqlState switch
    {
        // The loser of such a race against another writer was rolled back.
        PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected when kind == WorkKind.Append => Conflict(failure),

        PostgresErrorCodes.UniqueViolation when kind == WorkKind.Append
            && refused.TableName is "mt_streams" or "mt_events" or "cloudstate_commands" or "cloudstate_journal" or "cloudstate_deltas" =>
            Conflict(failure),

        ['5', '4', ..] => new UnstorableDataException("The entity key with the command id, or a part of the message, is larger than PostgreSQL can store; of key and id it indexes about 2,700 bytes.", failure),

        _ when IsAboutData(refused) => new UnstorableDataException($"PostgreSQL cannot store it ({refused.SqlState}): {refused.MessageText}", failure),

        // Classes: 23 constraint, P0 raised by a function: tables and triggers of the user's own may refuse a command.
        ['2', '3', ..] or ['P', '0', ..] when kind != WorkKind.Service => null,

        // Raised by a statement of this library, for the code that has sent it.
        ['C', 'S', ..] => null,

        _ => new StoreUnavailableException(WhyUnusable(refused), failure) { Cause = CauseOf(refused), NeedsOperator = NeedsOperator(refused) },
    };

    private static string WhyUnusable(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction =>
            $"The database lacks the schema that this service needs ({refused.MessageText}). Run the service once with --migrate to create or upgrade it.",

        PostgresErrorCodes.InsufficientPrivilege =>
            $"The database role lacks a privilege ({refused.MessageText}). To serve it needs what the service prints with --grants ROLE; to run --migrate it must own the schema.",

        PostgresErrorCodes.ReadOnlySqlTransaction => ReadOnly,

        PostgresErrorCodes.DuplicatePreparedStatement or InvalidStatementName =>
            $"PostgreSQL does not know which statements this process has prepared ({refused.MessageText}): there is a pooler in transaction mode in between, such as PgBouncer. " +
            "Add 'Max Auto Prepare=0' to the connection string.",

        _ => $"PostgreSQL refuses to serve ({refused.SqlState}): {refused.MessageText}",
    };

    public const string ReadOnly =
        "The database is read-only: it is a standby, or default_transaction_read_only is set. Name the primary in the connection string, " +
        "or all hosts and 'Target Session Attributes=primary'.";

    public const string MissingPrivilege = "privilege";

    private static string CauseOf(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction => "schema",
        PostgresErrorCodes.InsufficientPrivilege => MissingPrivilege,

        // Operator intervention: the connection was ended, as when the server does not answer.
        ['5', '7', ..] => "",
        var state => state,
    };

    /// <summary>No such database, no privilege, or, class 28, no entrance.</summary>
    private static bool NeedsOperator(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege or ['2', '8', ..];

    private static VersionConflictException Conflict(Exception failure) =>
        new("Another writer has changed an entity of this batch. Nothing of it was written.", failure);
}
