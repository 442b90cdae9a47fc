namespace CloudState.Knative.Storage;

/// <summary>
/// The table of members and the table of owned slots, shared by all processes. A row in the latter says who owns the slot; without
/// a row the slot is free. Deleting a member frees its slots in the same step.
/// </summary>
/// <remarks>
/// Every method is atomic, one round trip, and not to be called while another one runs. All of them throw
/// <see cref="StoreUnavailableException"/> when the store cannot be reached, answers too late or lacks its schema; the outcome is
/// unknown then. All of them but <see cref="ClaimAsync"/> wake those that wait in <see cref="WaitForChangeAsync"/> when they have changed
/// what members or free slots there are.
/// </remarks>
internal interface IMemberStore : IAsyncDisposable
{
    /// <summary>
    /// Deletes members whose lease has ended, and <paramref name="previousIds"/>; adds <paramref name="member"/> and gives it a <see cref="Member.Seat"/>; when no other member
    /// can own a type of its, claims all free slots of that type for it.
    /// </summary>
    /// <param name="member">The new member.</param>
    /// <param name="previousIds">Under which ids this process may be a member already.</param>
    /// <param name="lease">How long the member lives unless it renews, on the store's clock.</param>
    /// <param name="slots">How many slots an entity type has.</param>
    /// <param name="cancellationToken">Cancels the call; the outcome is unknown then.</param>
    /// <exception cref="InvalidOperationException">The cluster was made with another number of slots. The message says what to do.</exception>
    Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots, CancellationToken cancellationToken);

    /// <summary>Renews the lease of a member, says whether it is leaving, and deletes others whose lease has ended. Null when the member is gone itself.</summary>
    Task<MemberList?> RenewAsync(Guid memberId, bool isLeaving, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Claims those of the slots that are free, and returns them.</summary>
    /// <exception cref="FencedException">The member is gone.</exception>
    Task<IReadOnlyList<Slot>> ClaimAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken);

    /// <summary>Frees slots of the member.</summary>
    Task ReleaseAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken);

    /// <summary>Deletes the member, once no append of its is in flight, and so frees its slots. Later appends of it are fenced.</summary>
    Task LeaveAsync(Guid memberId, CancellationToken cancellationToken);

    /// <summary>
    /// Returns when another process has changed something since the previous call of any method, when the connection is lost, or when
    /// <paramref name="cancellationToken"/> is cancelled; does not throw for these. It may return for nothing.
    /// </summary>
    Task WaitForChangeAsync(CancellationToken cancellationToken);
}

/// <summary>The members at one moment.</summary>
/// <param name="All">All members, in the order of their ids.</param>
/// <param name="NextExpiry">When the first lease of another member ends unless it is renewed, from now; null when there is no other.</param>
internal sealed record MemberList(IReadOnlyList<Member> All, TimeSpan? NextExpiry);
