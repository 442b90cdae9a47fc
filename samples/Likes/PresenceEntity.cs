using CloudState.Knative;

namespace Likes;

/// <summary>
/// The visitors of a page. Each browser tab has an entry, and its pod votes for it while the tab is connected. The votes of a pod that was killed do not count any more when its lease
/// has ended.
/// </summary>
[CrdtEntity<PagePresence.PagePresenceBase>("presence")]
public sealed class PresenceEntity : CrdtEntity<OrMap<string, Vote>>
{
    public Visitors Attend(AttendPage command, CommandContext context)
    {
        if (context.Stream.IsFirst)
        {
            Forget(tab => tab.Value.VotesFor == 0);
            State[TabOf(command)].SelfVote = true;
        }

        return new Visitors { Names = { State.Where(tab => tab.Value.VotesFor > 0).Select(tab => tab.Key.Split('\n')[0]).Distinct().Order() } };
    }

    public void AttendEnded(AttendPage command) => Forget(tab => tab.Key == TabOf(command));

    private static string TabOf(AttendPage command) => $"{command.Name}\n{command.Tab}";

    private void Forget(Func<KeyValuePair<string, Vote>, bool> isGone)
    {
        foreach (var (tab, _) in State.Where(isGone).ToArray())
        {
            State.Remove(tab);
        }
    }
}
