namespace CloudState.Knative.Runtime;

/// <summary>What a mailbox says to a command.</summary>
internal enum Admission
{
    Accepted,
    MailboxFull,
    Passivated,
    NotOwner,
}
