using CloudState.Knative.Storage;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Connection;

/// <summary>Parameters of the types that the columns have: for others, text above all, PostgreSQL would have to cast.</summary>
internal static class Parameter
{
    public static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Varchar };

    public static NpgsqlParameter<string[]> Texts(IEnumerable<string> values) => new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar };

    public static NpgsqlParameter<DateTimeOffset> Time(DateTimeOffset value) => new() { TypedValue = value.ToUniversalTime() };

    public static NpgsqlParameter<int> Integer(int value) => new() { TypedValue = value };

    public static NpgsqlParameter<long> Long(long value) => new() { TypedValue = value };

    public static NpgsqlParameter<Guid[]> Ids(IEnumerable<Guid> ids) => new() { TypedValue = [.. ids], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };

    public static NpgsqlParameter<int[]> Integers(IEnumerable<int> values) => new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer };

    public static NpgsqlParameter<long[]> Longs(IEnumerable<long> values) => new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    public static NpgsqlParameter<string[]> EntityTypes(IEnumerable<Slot> slots) => Texts(slots.Select(slot => slot.EntityType));

    public static NpgsqlParameter<int[]> Numbers(IEnumerable<Slot> slots) => Integers(slots.Select(slot => slot.Number));
}
