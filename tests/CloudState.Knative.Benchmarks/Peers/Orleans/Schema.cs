namespace Peers;

/// <summary>
/// The tables and queries that the ADO.NET provider asks for. One row a grain, one statement a write, and room in the pages for the
/// next version of a row, so that an update touches no index. The provider hands over a key that reads as a number as N0 and N1.
/// </summary>
internal static class Schema
{
    public const string Sql = """
        create table if not exists OrleansQuery (QueryKey text primary key, QueryText text not null);

        create table if not exists OrleansStorage (
            ServiceId text not null,
            GrainType text not null,
            GrainKey text not null,
            N0 bigint not null,
            N1 bigint not null,
            Version integer not null,
            PayloadBinary bytea,
            primary key (GrainKey, N0, N1, GrainType, ServiceId)) with (fillfactor = 50);

        insert into OrleansQuery values
            ('ReadFromStorageKey', $$
                select PayloadBinary, Version from OrleansStorage
                where GrainKey = coalesce(@GrainIdExtensionString, '') and N0 = @GrainIdN0 and N1 = @GrainIdN1
                    and GrainType = @GrainTypeString and ServiceId = @ServiceId
            $$),
            ('WriteToStorageKey', $$
                with written as (
                    insert into OrleansStorage as stored (ServiceId, GrainType, GrainKey, N0, N1, Version, PayloadBinary)
                    values (@ServiceId, @GrainTypeString, coalesce(@GrainIdExtensionString, ''), @GrainIdN0, @GrainIdN1,
                        coalesce(@GrainStateVersion, 0) + 1, @PayloadBinary)
                    on conflict (GrainKey, N0, N1, GrainType, ServiceId) do update
                    set Version = excluded.Version, PayloadBinary = excluded.PayloadBinary
                    where stored.Version = @GrainStateVersion
                    returning Version)
                select (select Version from written) as NewGrainStateVersion
            $$),
            ('ClearStorageKey', $$
                update OrleansStorage set Version = Version + 1, PayloadBinary = null
                where GrainKey = coalesce(@GrainIdExtensionString, '') and N0 = @GrainIdN0 and N1 = @GrainIdN1
                    and GrainType = @GrainTypeString and ServiceId = @ServiceId and Version = @GrainStateVersion
                returning Version as NewGrainStateVersion
            $$)
        on conflict do nothing;
        """;
}
