using Npgsql;

namespace CloudState.Knative.Marten.Connection;

/// <summary>The connection string, with settings that suit a small pod wherever it says nothing.</summary>
internal static class PostgresConnection
{
    /// <summary>For statements with PostgreSQL's own types only; to load others would take a round trip and a large answer.</summary>
    public static NpgsqlDataSource DataSource(NpgsqlConnectionStringBuilder settings) =>
        new NpgsqlDataSourceBuilder(settings.ConnectionString).ConfigureTypeLoading(types => types.EnableTypeLoading(false)).Build();

    public static NpgsqlConnectionStringBuilder WithDefaults(string? connectionString)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InvalidOperationException("There is no PostgreSQL connection string. Set ConnectionStrings__CloudState, or MartenStoreOptions.ConnectionString in code.");
        }

        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception malformed) when (malformed is ArgumentException or FormatException)
        {
            throw new InvalidOperationException(
                $"The PostgreSQL connection string cannot be read: {malformed.Message.TrimEnd('.')}. Set ConnectionStrings__CloudState to Host=…;Database=…;Username=…;Password=…", malformed);
        }

        SetDefault("Application Name", "CloudState.Knative");
        SetDefault("Timeout", 5);
        SetDefault("Command Timeout", 10);
        SetDefault("Max Auto Prepare", 50);

        // Many pods share the connections of the server; appends and loads take few, with many entities in each statement.
        SetDefault("Maximum Pool Size", 16);
        SetDefault("No Reset On Close", true);

        // Asking for it loads the Kerberos libraries, at every start.
        SetDefault("GSS Encryption Mode", "Disable");
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
