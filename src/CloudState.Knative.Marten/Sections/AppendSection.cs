using CloudState.Knative.Storage;
using Marten;
using Npgsql;
using NpgsqlTypes;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>One entity's part of a batch, with the name of its stream.</summary>
internal readonly record struct StreamAppend(string Stream, EntityAppend Append);

/// <summary>
/// One kind of stored fact: its table, its part of the statement that appends a batch, and the parameters of that part. A new fact is a new section, and a line in
/// <see cref="AppendSections"/>.
/// </summary>
internal abstract class AppendSection
{
    /// <summary>The tables that are this library's own.</summary>
    public virtual IEnumerable<Table> Tables => [];

    /// <summary>Adds the parameters for a batch. Returns false, and adds none, if the batch has no such facts.</summary>
    public abstract bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters);

    /// <summary>The common table expressions of this section. It takes as many parameters as <see cref="TryAdd"/> has added, in the same order.</summary>
    public abstract string Sql(StatementText text);

    /// <summary>How many entities have to be at a version that the section checks, as an SQL expression; null if it checks none.</summary>
    public virtual string? Expected => null;

    /// <summary>How many of them are there; null if the section checks none.</summary>
    public virtual string? Found(StatementText text) => null;

    /// <summary>Adds the facts of a batch to a Marten session.</summary>
    public abstract void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch);
}

/// <summary>The parameters of one statement: arrays with an element for each row.</summary>
internal sealed class AppendParameters(NpgsqlParameterCollection parameters)
{
    public void Add(Guid value) => parameters.Add(new NpgsqlParameter<Guid> { TypedValue = value });

    public void Add<T>(T[] values, NpgsqlDbType elementType) =>
        parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | elementType });

    public void Add(IEnumerable<object> columns)
    {
        foreach (var column in columns)
        {
            parameters.Add(new NpgsqlParameter { Value = column });
        }
    }
}

/// <summary>A statement while its sections write it.</summary>
internal sealed class StatementText(IReadOnlySet<AppendSection> sections)
{
    private int _parameters;

    public bool Has<TSection>()
        where TSection : AppendSection => sections.Any(section => section is TSection);

    /// <summary>The next parameter, such as <c>$1</c>.</summary>
    public string Next() => $"${++_parameters}";

    /// <summary>The next parameters, separated by commas.</summary>
    public string Next(int count) => string.Join(", ", Enumerable.Range(0, count).Select(_ => Next()));
}
