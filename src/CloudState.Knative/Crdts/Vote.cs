using System.Text.Json;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>
/// A yes or no of each process of the service that takes part now. One that has not voted counts as a no; the vote of one that has ended does not count.
/// </summary>
/// <example>
/// <code>
/// var ready = new Vote();
/// ready.SelfVote = true;
/// if (ready.IsMajority) { /* more than half of the processes are ready */ }
/// </code>
/// </example>
public sealed class Vote : Crdt
{
    /// <summary>Makes a vote that belongs to no entity, with this process as the only one.</summary>
    public Vote()
        : base(Kind.Vote)
    {
    }

    /// <summary>What this process votes; false if it has not voted.</summary>
    public bool SelfVote
    {
        get
        {
            var self = Site.Surroundings.Member;
            return Ballots.CountYes(Site.Surroundings.Members().Where(member => member.Value == self).ToDictionary()) > 0;
        }
        set
        {
            var self = Site.Surroundings.Member;
            Site.Change<Lattices.Vote>((vote, stamp) => vote.Cast(self, value, stamp));
        }
    }

    /// <summary>How many processes have voted yes.</summary>
    public int VotesFor => Ballots.CountYes(Site.Surroundings.Members());

    /// <summary>How many processes take part.</summary>
    public int TotalVoters => Site.Surroundings.Members().Count;

    /// <summary>Whether at least one process has voted yes.</summary>
    public bool IsAtLeastOne => VotesFor > 0;

    /// <summary>Whether more than half of the processes have voted yes.</summary>
    public bool IsMajority => VotesFor > TotalVoters / 2;

    /// <summary>Whether all processes have voted yes, and there is one.</summary>
    public bool IsUnanimous => VotesFor > 0 && VotesFor == TotalVoters;

    private Lattices.Vote Ballots => (Lattices.Vote)Site.Content;

    internal override void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("votesFor", VotesFor);
        json.WriteNumber("totalVoters", TotalVoters);
        json.WriteEndObject();
    }
}
