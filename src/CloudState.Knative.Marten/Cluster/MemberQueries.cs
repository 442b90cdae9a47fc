using CloudState.Knative.Storage;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Cluster;

/// <summary>The statements of <see cref="PostgresMemberStore"/>.</summary>
/// <remarks>
/// <para>Sweeping skips locked members: one with an append in flight, perhaps of a process that hangs, is left for later instead of waited for.</para>
/// <para>Claims and releases first lock the row of their own member, so that it cannot be deleted meanwhile; if it is deleted already, they do nothing.
/// The foreign key makes this hold for every claim: none outlives its member.</para>
/// <para>Slots are claimed in their order, so that two claims wait for each other only in one direction. Joins, which both free slots
/// and claim them, go one after another: they lock the row of the cluster first. So the later one sees the member that the earlier one has added, and its seat.</para>
/// </remarks>
internal sealed class MemberQueries(MemberTables tables, string channel)
{
    /// <summary>The error of a join with another number of slots; its message is the number that the cluster has. The class is not one of PostgreSQL's.</summary>
    public const string WrongSlotCount = "CS001";

    private readonly string _makeCluster = $"insert into {tables.Cluster} (id, slots) values (1, $1) on conflict do nothing";

    private readonly string _sweep =
        $"delete from {tables.Members} where member_id in (select member_id from {tables.Members} where lease_until < now() for update skip locked)";

    private readonly string _delete = $"delete from {tables.Members} where member_id = any($1)";

    private readonly string _add =
        $"""
        insert into {tables.Members} (member_id, revision, address, secret, entity_types, entity_versions, is_leaving, lease_until, joined_at, seat)
        select $1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8, clock_timestamp(), min(seat)
        from generate_series(1, (select count(*) + 1 from {tables.Members})) as seat where seat not in (select seat from {tables.Members})
        """;

    // Arrays make the answer small: one that a hanging process does not read would keep the transaction open, and its locks.
    private readonly string _claimAlone =
        $"""
        with claimed as (
          insert into {tables.Slots} (entity_type, slot, owner)
          select entity_type, slot, $1 from unnest($2) as entity_type, generate_series(0, $3 - 1) as slot
          where not exists (select from {tables.Members} where member_id <> $1 and not is_leaving and entity_type = any(entity_types))
          order by entity_type, slot
          on conflict do nothing returning entity_type, slot)
        select entity_type, array_agg(slot) from claimed group by entity_type
        """;

    private readonly string _list =
        $"""
        select member_id, revision, address, secret, entity_types, entity_versions, is_leaving, lease_until - clock_timestamp(), seat
        from {tables.Members} order by member_id
        """;

    private readonly string _notify = $"select pg_notify('{channel}', '')";

    private readonly string _renew =
        $"""
        with renewed as (
          update {tables.Members} m set lease_until = clock_timestamp() + $2, is_leaving = $3
          from {tables.Members} before where m.member_id = $1 and before.member_id = $1
          returning before.is_leaving <> m.is_leaving as is_news),
        swept as (
          delete from {tables.Members} where member_id in
            (select member_id from {tables.Members} where lease_until < now() and member_id <> $1 for update skip locked)
          returning true as is_news)
        select pg_notify('{channel}', '') from (select is_news from renewed union all select is_news from swept) changes where is_news limit 1
        """;

    private readonly string _claim =
        $"""
        with me as (select member_id from {tables.Members} where member_id = $1 for key share),
        claimed as (
          insert into {tables.Slots} (entity_type, slot, owner)
          select entity_type, slot, member_id from me, unnest($2, $3) as wanted(entity_type, slot)
          order by entity_type, slot
          on conflict do nothing returning entity_type, slot)
        select entity_type, slots
        from me left join (select entity_type, array_agg(slot) as slots from claimed group by entity_type) by_type on true
        """;

    private readonly string _release =
        $"""
        with me as (select member_id from {tables.Members} where member_id = $1 for key share),
        released as (
          delete from {tables.Slots} s using me, unnest($2, $3) as unwanted(entity_type, slot)
          where s.owner = me.member_id and s.entity_type = unwanted.entity_type and s.slot = unwanted.slot
          returning s.slot)
        select pg_notify('{channel}', '') from released limit 1
        """;

    private readonly string _leave =
        $"with gone as (delete from {tables.Members} where member_id = $1 returning member_id) select pg_notify('{channel}', '') from gone";

    public IEnumerable<NpgsqlBatchCommand> Join(Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots)
    {
        yield return Command(_makeCluster, Integer(slots));
        yield return Command(LockCluster(slots));
        yield return Command(_sweep);
        yield return Command(_delete, new NpgsqlParameter<Guid[]> { TypedValue = [.. previousIds] });

        yield return Command(
            _add, Id(member.Id), Text(member.Revision), Text(member.Address), Text(member.Secret),
            Texts(member.EntityTypes.Keys), Integers(member.EntityTypes.Values),
            new NpgsqlParameter<bool> { TypedValue = member.IsLeaving }, Duration(lease));
        yield return Command(_claimAlone, Id(member.Id), Texts(member.EntityTypes.Keys), Integer(slots));
        yield return Command(_list);
        yield return Command(_notify);
    }

    public IEnumerable<NpgsqlBatchCommand> Renew(Guid memberId, bool isLeaving, TimeSpan lease) =>
    [
        Command(_renew, Id(memberId), Duration(lease), new NpgsqlParameter<bool> { TypedValue = isLeaving }),
        Command(_list),
    ];

    public NpgsqlBatchCommand Claim(Guid memberId, IReadOnlyList<Slot> slots) => OnSlots(_claim, memberId, slots);

    public NpgsqlBatchCommand Release(Guid memberId, IReadOnlyList<Slot> slots) => OnSlots(_release, memberId, slots);

    public NpgsqlBatchCommand Leave(Guid memberId) => Command(_leave, Id(memberId));

    // A block takes no parameters.
    private string LockCluster(int slots) =>
        $"""
        do $$
        declare existing integer;
        begin
          select r.slots into existing from {tables.Cluster} r for update;
          if existing <> {slots} then
            raise exception using errcode = '{WrongSlotCount}', message = existing::text;
          end if;
        end $$
        """;

    private static NpgsqlBatchCommand OnSlots(string sql, Guid memberId, IReadOnlyList<Slot> slots) => Command(
        sql, Id(memberId), Texts(slots.Select(slot => slot.EntityType)), Integers(slots.Select(slot => slot.Number)));

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    private static NpgsqlParameter<int> Integer(int value) => new() { TypedValue = value };

    private static NpgsqlParameter<int[]> Integers(IEnumerable<int> values) => new() { TypedValue = [.. values] };

    private static NpgsqlParameter<TimeSpan> Duration(TimeSpan value) => new() { TypedValue = value };

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Varchar };

    private static NpgsqlParameter<string[]> Texts(IEnumerable<string> values) =>
        new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar };
}
