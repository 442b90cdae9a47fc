namespace CloudState.Knative.FunctionalTests.Storage;

public sealed class SessionAppendTests(PostgresSchema schema) : MartenEntityStoreContract(schema, setBased: false);
