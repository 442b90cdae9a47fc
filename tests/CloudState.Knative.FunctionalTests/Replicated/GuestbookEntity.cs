namespace CloudState.Knative.FunctionalTests.Replicated;

[CrdtEntity<Guestbook.GuestbookBase>("guestbook")]
public sealed class GuestbookEntity : CrdtEntity<ORSet<string>>
{
    public Visitors Sign(SignGuestbook command)
    {
        State.Add(command.Name);
        return new Visitors { Names = { State } };
    }
}
