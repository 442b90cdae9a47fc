using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten.Cluster;

/// <summary>The members and their slots in PostgreSQL, whose clock counts the leases. One cluster per database schema.</summary>
internal sealed class PostgresMemberStore(NpgsqlConnectionStringBuilder settings, TimeSpan lease, string schema, MemberTables tables) : IMemberStore
{
    private const int MaxIdentifierLength = 63;

    private readonly MemberQueries _queries = new(tables, Channel(schema));
    private readonly MemberConnection _connection = new(settings, lease, Channel(schema));

    public async Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(
        Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(
                _queries.Join(member, previousIds, lease, slots),
                async reader =>
                {
                    var claimed = await ReadSlotsAsync(reader, cancellationToken);
                    await reader.NextResultAsync(cancellationToken);
                    return (await ReadMembersAsync(reader, member.Id, cancellationToken), claimed);
                },
                cancellationToken);
        }
        catch (PostgresException refused) when (refused.SqlState == MemberQueries.WrongSlotCount)
        {
            throw new InvalidOperationException(
                $"CloudState:Cluster:Slots is {slots}, but the cluster of schema '{schema}' has {refused.MessageText} slots. " +
                $"Set it to {refused.MessageText}, or stop all pods and delete the row of {tables.Cluster}.",
                refused);
        }
    }

    public Task<MemberList?> RenewAsync(Guid memberId, bool isLeaving, TimeSpan lease, CancellationToken cancellationToken) => RunAsync(
        _queries.Renew(memberId, isLeaving, lease),
        async reader =>
        {
            await reader.NextResultAsync(cancellationToken);
            var members = await ReadMembersAsync(reader, memberId, cancellationToken);
            return members.All.Any(member => member.Id == memberId) ? members : null;
        },
        cancellationToken);

    public Task<IReadOnlyList<Slot>> ClaimAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) => RunAsync(
        [_queries.Claim(memberId, slots)],
        async reader =>
        {
            // One row, of nulls, when the member exists and nothing was free.
            var claimed = await ReadSlotsAsync(reader, cancellationToken);
            return reader.HasRows ? claimed : throw Fenced(memberId);
        },
        cancellationToken);

    public Task ReleaseAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) =>
        RunAsync([_queries.Release(memberId, slots)], NothingToRead, cancellationToken);

    public Task LeaveAsync(Guid memberId, CancellationToken cancellationToken) =>
        RunAsync([_queries.Leave(memberId)], NothingToRead, cancellationToken);

    public Task WaitForChangeAsync(CancellationToken cancellationToken) => _connection.WaitForChangeAsync(cancellationToken);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    public static FencedException Fenced(Guid memberId) =>
        new($"Member {memberId} does not exist any more: it has left, or others have deleted it when its lease had ended.");

    /// <summary>Schemas of names that are alike up to there share a channel, which only wakes some for nothing.</summary>
    private static string Channel(string schema)
    {
        var channel = $"cloudstate_{schema}";
        return channel.Length <= MaxIdentifierLength ? channel : channel[..MaxIdentifierLength];
    }

    private static async Task<IReadOnlyList<Slot>> ReadSlotsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var slots = new List<Slot>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (!reader.IsDBNull(0))
            {
                var entityType = reader.GetString(0);
                slots.AddRange(reader.GetFieldValue<int[]>(1).Select(number => new Slot(entityType, number)));
            }
        }

        return slots;
    }

    private static async Task<MemberList> ReadMembersAsync(NpgsqlDataReader reader, Guid self, CancellationToken cancellationToken)
    {
        var members = new List<Member>();
        TimeSpan? nextExpiry = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            var member = new Member(
                Id: reader.GetGuid(0),
                Revision: reader.GetString(1),
                Address: reader.GetString(2),
                Secret: reader.GetString(3),
                EntityTypes: reader.GetFieldValue<string[]>(4).Zip(reader.GetFieldValue<int[]>(5)).ToDictionary(type => type.First, type => type.Second),
                IsLeaving: reader.GetBoolean(6))
            {
                Seat = reader.GetInt32(8),
            };
            members.Add(member);

            // A lease that has ended already is one of a member that is locked: nothing more happens to it at a known time.
            var expiry = reader.GetTimeSpan(7);
            if (member.Id != self && expiry > TimeSpan.Zero && !(expiry >= nextExpiry))
            {
                nextExpiry = expiry;
            }
        }

        return new MemberList(members, nextExpiry);
    }

    private static Task<bool> NothingToRead(NpgsqlDataReader reader) => Task.FromResult(true);

    private Task<T> RunAsync<T>(IEnumerable<NpgsqlBatchCommand> commands, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync(() => _connection.RunAsync(commands, read, cancellationToken), cancellationToken);
}
