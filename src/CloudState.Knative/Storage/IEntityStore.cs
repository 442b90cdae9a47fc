namespace CloudState.Knative.Storage;

/// <summary>
/// Where entities live between activations. Both stores (PostgreSQL through Marten, embedded SQLite) keep the same contract,
/// checked by one suite of tests.
/// </summary>
/// <remarks>
/// Every method throws <see cref="StoreUnavailableException"/> when the store cannot be reached, answers too late or lacks its schema.
/// After that exception from <see cref="AppendAsync"/> the outcome is unknown: the batch may have been committed.
/// </remarks>
internal interface IEntityStore : IAsyncDisposable
{
    /// <summary>How many calls of <see cref="AppendAsync"/> may run at the same time.</summary>
    int MaxConcurrentAppends { get; }

    /// <summary>Who shares this store; null when only one process can use it.</summary>
    IMemberStore? Members { get; }

    IOutboxStore Outbox { get; }

    ITimerStore Timers { get; }

    IJournalReader Journal { get; }

    IParkedStore Parked { get; }

    /// <summary>What other processes add to replicated values; null when only one process can use the store.</summary>
    IReplicaStore? Replicas { get; }

    /// <summary>Creates or upgrades the schema. Does nothing when it is up to date.</summary>
    /// <returns>Whether anything was created or upgraded.</returns>
    Task<bool> MigrateAsync(CancellationToken cancellationToken);

    /// <summary>The statements that <see cref="MigrateAsync"/> would run on an empty database.</summary>
    string SchemaScript();

    /// <summary>The statements that give a role of the database what the service needs.</summary>
    /// <exception cref="InvalidOperationException">The store has no roles. The message says so.</exception>
    string GrantsScript(string role);

    /// <summary>Returns when the store answers, has its schema, and lets this process read and write; one round trip that writes nothing.</summary>
    Task CheckAsync(CancellationToken cancellationToken);

    /// <summary>Returns when a write of nothing that stays has worked: after a failure, which may have had a cause that <see cref="CheckAsync"/> cannot see.</summary>
    Task CheckWritesAsync(CancellationToken cancellationToken);

    /// <summary>Reads what an activation needs: the latest snapshot and the events after it, or the value, and the ids of recent commands.</summary>
    /// <param name="key">The entity. One that was never written is empty, at version 0.</param>
    /// <param name="storedAs">What it is stored as.</param>
    /// <param name="commandIds">Which command records still count.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken);

    /// <summary>Writes all of the batch, durably, in one transaction, or nothing of it. No key occurs twice in a batch.</summary>
    /// <param name="batch">What to write.</param>
    /// <param name="memberId">The member that owns the entities of the batch; null when the store has no <see cref="Members"/>.</param>
    /// <param name="cancellationToken">Cancels the append; the outcome is unknown then.</param>
    /// <returns>The time that the events have in the store; null if that is not known.</returns>
    /// <exception cref="FencedException">There is no such member any more. Nothing was written.</exception>
    /// <exception cref="VersionConflictException">An entity is not at the expected version. Nothing was written.</exception>
    /// <exception cref="UnstorableDataException">A message holds what the store cannot represent. Nothing was written.</exception>
    Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken);

    /// <summary>The record of one handled command, or null.</summary>
    Task<CommandRecord?> FindCommandAsync(EntityId key, string commandId, CancellationToken cancellationToken);

    /// <summary>The highest number of a stream that the entity has handled; 0 when there is none.</summary>
    Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken);

    /// <summary>Deletes the command records of all entities that were handled before <paramref name="before"/>, and the values that had expired by then.</summary>
    Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
