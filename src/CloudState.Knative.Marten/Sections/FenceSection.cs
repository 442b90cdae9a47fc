using CloudState.Knative.Marten.Cluster;
using Marten;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The fence: nothing is written unless the row of the writing member is there, which is locked against deletion until the commit. First of all sections.</summary>
internal sealed class FenceSection(MemberTables members) : AppendSection
{
    /// <summary>Added by the append itself, which knows the member.</summary>
    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters) => false;

    public override string Sql(StatementText text) => $"member as (select from {members.Members} where member_id = {text.Next()} for key share)";

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
    }
}
