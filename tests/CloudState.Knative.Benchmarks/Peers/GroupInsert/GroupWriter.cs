using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;

namespace Peers;

/// <summary>Writes everything that waits with one statement, in one transaction, as soon as the previous one has left.</summary>
internal sealed class GroupWriter(NpgsqlDataSource postgres)
{
    private const int MaxGroup = 512;
    private const string Insert = """
        insert into events ("user", number, data, created)
        select u, n, d::jsonb, c from unnest($1, $2, $3, $4) as e(u, n, d, c)
        """;

    private readonly Channel<(string User, Item Item, TaskCompletionSource Written)> _waiting = Channel.CreateBounded<(string, Item, TaskCompletionSource)>(
        new BoundedChannelOptions(8 * MaxGroup) { SingleReader = true });

    private readonly ConcurrentDictionary<string, (long Number, Cart Cart)> _carts = new();

    public Cart Get(string user) => _carts.TryGetValue(user, out var found) ? found.Cart : Cart.Empty;

    public void Load(string user, long number, string data)
        => _carts[user] = (number, Get(user).With(JsonSerializer.Deserialize(data, EdgeJson.Default.Item)!));

    public async Task AddAsync(string user, Item item)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _waiting.Writer.WriteAsync((user, item, written));
        await written.Task;
    }

    public async Task RunAsync()
    {
        var group = new List<(string User, Item Item, TaskCompletionSource Written)>(MaxGroup);
        while (await _waiting.Reader.WaitToReadAsync())
        {
            while (group.Count < MaxGroup && _waiting.Reader.TryRead(out var waiting))
            {
                group.Add(waiting);
            }

            try
            {
                var written = await WriteAsync(group);
                foreach (var (user, cart) in written)
                {
                    _carts[user] = cart;
                }

                group.ForEach(waiting => waiting.Written.SetResult());
            }
            catch (Exception exception)
            {
                group.ForEach(waiting => waiting.Written.TrySetException(exception));
            }

            group.Clear();
        }
    }

    private async Task<Dictionary<string, (long Number, Cart Cart)>> WriteAsync(List<(string User, Item Item, TaskCompletionSource Written)> group)
    {
        var carts = new Dictionary<string, (long Number, Cart Cart)>(group.Count);
        var numbers = new long[group.Count];
        var created = new DateTime[group.Count];
        Array.Fill(created, DateTime.UtcNow);
        for (var i = 0; i < numbers.Length; i++)
        {
            var (user, item, _) = group[i];
            var (number, cart) = carts.TryGetValue(user, out var pending) ? pending : _carts.GetValueOrDefault(user, (0, Cart.Empty));
            carts[user] = (numbers[i] = number + 1, cart.With(item));
        }

        await using var insert = postgres.CreateCommand(Insert);
        insert.Parameters.Add(new() { Value = group.ConvertAll(waiting => waiting.User), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar });
        insert.Parameters.Add(new() { Value = numbers });
        insert.Parameters.Add(new() { Value = group.ConvertAll(waiting => JsonSerializer.Serialize(waiting.Item, EdgeJson.Default.Item)), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        insert.Parameters.Add(new() { Value = created });
        await insert.ExecuteNonQueryAsync();
        return carts;
    }
}
