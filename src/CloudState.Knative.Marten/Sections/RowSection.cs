using CloudState.Knative.Storage;

namespace CloudState.Knative.Marten.Sections;

/// <summary>Facts that are rows of a table of this library.</summary>
internal abstract class RowSection<TRow> : AppendSection
{
    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        var rows = RowsOf(batch);
        if (rows.Length == 0)
        {
            return false;
        }

        parameters.Add(ColumnsOf(rows));
        return true;
    }

    /// <summary>The rows of a batch, in order.</summary>
    protected static TRow[] Select(IReadOnlyList<StreamAppend> batch, Func<EntityAppend, IReadOnlyCollection<TRow>> of)
    {
        List<TRow>? rows = null;
        foreach (var (_, append) in batch)
        {
            if (of(append) is { Count: > 0 } some)
            {
                (rows ??= []).AddRange(some);
            }
        }

        return rows?.ToArray() ?? [];
    }

    protected abstract TRow[] RowsOf(IReadOnlyList<StreamAppend> batch);

    /// <summary>An array for each column.</summary>
    protected abstract object[] ColumnsOf(TRow[] rows);
}
