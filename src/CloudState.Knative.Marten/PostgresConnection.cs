using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>The connection string, with settings that suit a small pod wherever it says nothing.</summary>
internal static class PostgresConnection
{
    public static NpgsqlConnectionStringBuilder WithDefaults(string? connectionString)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InvalidOperationException("The PostgreSQL store has no connection string: set MartenStoreOptions.ConnectionString.");
        }

        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        SetDefault("Application Name", "CloudState.Knative");
        SetDefault("Timeout", 5);
        SetDefault("Command Timeout", 10);
        SetDefault("Max Auto Prepare", 50);
        SetDefault("No Reset On Close", true);
        return settings;

        void SetDefault(string keyword, object value)
        {
            if (!settings.ShouldSerialize(keyword))
            {
                settings[keyword] = value;
            }
        }
    }
}
