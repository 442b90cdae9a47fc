using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Cluster;

internal sealed partial class Membership
{
    [LoggerMessage(30, LogLevel.Information, "Member {Member} (revision '{Revision}', {Address}) has joined; {Count} in the cluster.", EventName = "MemberJoined")]
    private partial void LogMemberJoined(Guid member, string revision, string address, int count);

    [LoggerMessage(31, LogLevel.Information, "Member {Member} (revision '{Revision}', {Address}) has left; {Count} in the cluster.", EventName = "MemberLeft")]
    private partial void LogMemberLeft(Guid member, string revision, string address, int count);

    [LoggerMessage(32, LogLevel.Warning, "This process is member {Member} no longer: its lease ended, and others have taken over. It joins again.", EventName = "Expelled")]
    private partial void LogExpelled(Guid member);

    [LoggerMessage(33, LogLevel.Warning, "The lease of member {Member} had ended before it was renewed; nothing was answered from memory meanwhile.", EventName = "LeaseRenewedLate")]
    private partial void LogRenewedLate(Guid member);

    [LoggerMessage(34, LogLevel.Information, "Member {Member} has left the cluster.", EventName = "Left")]
    private partial void LogLeft(Guid member);

    [LoggerMessage(35, LogLevel.Warning, "Member {Member} could not leave the cluster in time ({Reason}). The others take over when its lease has ended.", EventName = "NotLeft")]
    private partial void LogNotLeft(Guid member, string reason);

    [LoggerMessage(36, LogLevel.Error, "Looking at the cluster failed; trying again.", EventName = "LookFailed")]
    private partial void LogFailed(Exception failure);
}
