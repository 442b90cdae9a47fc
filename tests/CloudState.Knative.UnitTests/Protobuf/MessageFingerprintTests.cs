using System.IO.Hashing;
using CloudState.Knative.Protobuf;
using CloudState.Knative.UnitTests.Kinds;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Protobuf;

public sealed class MessageFingerprintTests
{
    [Fact]
    public void OrderOfMapEntries_DoesNotCount()
    {
        var (one, other) = (new AllForms { Texts = { ["a"] = "1", ["b"] = "2" } }, new AllForms { Texts = { ["b"] = "2", ["a"] = "1" } });
        Assert.NotEqual(one.ToByteString(), other.ToByteString());

        Assert.True(IsRepetition(one, other));
        Assert.True(IsRepetition(new AllForms { Numbered = { [1] = one } }, new AllForms { Numbered = { [1] = other } }));
    }

    [Fact]
    public void OtherMessage_IsNoRepetition()
    {
        Assert.False(IsRepetition(new AllForms { Texts = { ["a"] = "1" } }, new AllForms { Texts = { ["a"] = "2" } }));
        Assert.False(IsRepetition(new AllForms { Texts = { ["a"] = "1", ["b"] = "2" } }, new AllForms { Texts = { ["a"] = "2", ["b"] = "1" } }));
        Assert.False(IsRepetition(new AllKinds { Int32Value = 1 }, new AllKinds { Int32Value = 2 }));
        Assert.False(IsRepetition(new AllKinds { Texts = { "a", "b" } }, new AllKinds { Texts = { "b", "a" } }));
    }

    [Fact]
    public void FieldThatOneRevisionDoesNotKnow_DoesNotCount()
    {
        var newer = new NewerKind { Int32Value = 7, FromTheFuture = "x" };
        var known = AllKinds.Parser.ParseFrom(newer.ToByteArray());
        var inner = new AllKinds { Inner = known };

        Assert.True(MessageFingerprint.Matches(MessageFingerprint.Of(known), newer, MessageFingerprint.Of(newer)));
        Assert.True(MessageFingerprint.Matches(MessageFingerprint.Of(newer), known, MessageFingerprint.Of(known)));
        Assert.True(IsRepetition(inner, inner));
    }

    [Fact]
    public void FingerprintsOfFormerReleases_AreRecognised()
    {
        foreach (var message in (IMessage[])[new AllKinds { Int32Value = 3 }, new AllForms { Texts = { ["b"] = "2", ["a"] = "1" } }, new AllForms()])
        {
            var former = unchecked((long)XxHash3.HashToUInt64(message.ToByteArray()));

            Assert.True(MessageFingerprint.Matches(former, message, MessageFingerprint.Of(message)));
        }
    }

    private static bool IsRepetition(IMessage first, IMessage second) => MessageFingerprint.Matches(MessageFingerprint.Of(first), second, MessageFingerprint.Of(second));
}
