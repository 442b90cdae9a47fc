using CloudState.Knative.Settings;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Sqlite;

/// <summary>Where the embedded store keeps its data.</summary>
public sealed class SqliteStoreOptions
{
    /// <summary>The database file, or <c>:memory:</c> for one that ends with the process. One process per file.</summary>
    /// <value>Default: <c>data/cloudstate.db</c>, relative to the working directory; missing folders are created.</value>
    [Text(TextForm.NotBlank, IsRequired = true)]
    public string Path { get; set; } = "data/cloudstate.db";

    /// <summary>How long to wait for a tool that holds a lock on the database, such as a <c>sqlite3</c> shell in a transaction.</summary>
    /// <value>From 0 to 10 minutes. Default: 5 seconds.</value>
    [Duration("00:00:00", "00:10:00")]
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>Checks the ranges of the options.</summary>
[OptionsValidator]
internal sealed partial class SqliteStoreOptionsValidator : IValidateOptions<SqliteStoreOptions>;
