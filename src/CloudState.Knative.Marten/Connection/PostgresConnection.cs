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

        UseThePrimary(settings);

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

    /// <summary>Of several hosts the one that takes writes. With a single one Npgsql does not take the keyword; whether it takes writes is checked anyway.</summary>
    private static void UseThePrimary(NpgsqlConnectionStringBuilder settings)
    {
        if (settings.TargetSessionAttributes?.ToLowerInvariant() is "standby" or "prefer-standby" or "read-only")
        {
            throw new InvalidOperationException(
                $"The PostgreSQL connection string has Target Session Attributes={settings.TargetSessionAttributes}, but the service writes. Set it to primary or read-write.");
        }

        settings.TargetSessionAttributes = settings.Host?.Contains(',', StringComparison.Ordinal) != true ? null : settings.TargetSessionAttributes ?? "primary";
    }
}
