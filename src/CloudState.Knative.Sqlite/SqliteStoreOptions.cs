namespace CloudState.Knative.Sqlite;

/// <summary>Where the embedded store keeps its data.</summary>
public sealed class SqliteStoreOptions
{
    /// <summary>The database file, or <c>:memory:</c> for one that ends with the process. One process per file.</summary>
    /// <value>Default: <c>data/cloudstate.db</c>, relative to the working directory; missing folders are created.</value>
    public string Path { get; set; } = "data/cloudstate.db";

    /// <summary>How long to wait for a tool that holds a lock on the database, such as a <c>sqlite3</c> shell in a transaction.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
