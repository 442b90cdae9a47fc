using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>The pool of connections, with settings that suit a small pod where the connection string says nothing.</summary>
internal static class PostgresDataSource
{
    public static NpgsqlDataSource Create(string? connectionString)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InvalidOperationException("The PostgreSQL store has no connection string: set MartenStoreOptions.ConnectionString.");
        }

        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        SetDefault("Application Name", () => settings.ApplicationName = "CloudState.Knative");
        SetDefault("Timeout", () => settings.Timeout = 5);
        SetDefault("Command Timeout", () => settings.CommandTimeout = 10);
        SetDefault("Max Auto Prepare", () => settings.MaxAutoPrepare = 50);
        SetDefault("No Reset On Close", () => settings.NoResetOnClose = true);
        return NpgsqlDataSource.Create(settings);

        void SetDefault(string keyword, Action set)
        {
            if (!settings.ShouldSerialize(keyword))
            {
                set();
            }
        }
    }
}
