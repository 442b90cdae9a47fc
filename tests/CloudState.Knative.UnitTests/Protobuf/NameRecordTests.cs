using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Protobuf;

/// <summary>
/// Stored messages evolve by number: the table of protobuf's guide, https://protobuf.dev/programming-guides/proto3/#updating, and what JSON adds to it.
/// Each row: a revision, what it has stored, the next revision, and how the latter stores what it has read. The same is true of bytes, as which calls, timers
/// and remembered replies are stored.
/// </summary>
public sealed class NameRecordTests
{
    [Theory]
    // Names do not count.
    [InlineData("message M { string title = 2; }", """{"title":"a"}""", "message M { string heading = 2; }", """{"heading":"a"}""")]
    [InlineData("message M { repeated string a = 2; }", """{"a":["x","y"]}""", "message M { repeated string b = 2; }", """{"b":["x","y"]}""")]
    [InlineData("message M { I item = 1; } message I { int32 n = 1; }", """{"item":{"n":1}}""", "message M { I thing = 1; } message I { int32 m = 1; }", """{"thing":{"m":1}}""")]
    [InlineData("message M { I item = 1; } message I { int32 n = 1; }", """{"item":{"n":1}}""", "message M { J item = 1; } message J { int32 m = 1; }", """{"item":{"m":1}}""")]
    [InlineData("message M { map<string, I> i = 1; } message I { int32 n = 1; }", """{"i":{"k":{"n":1}}}""", "message M { map<string, J> j = 1; } message J { int32 m = 1; }", """{"j":{"k":{"m":1}}}""")]
    [InlineData("message M { K k = 1; } enum K { NO = 0; NOVEL = 2; }", """{"k":"NOVEL"}""", "message M { K k = 1; } enum K { NO = 0; ROMAN = 2; }", """{"k":"ROMAN"}""")]
    [InlineData("message M { K k = 1; } enum K { NO = 0; NOVEL = 2; }", """{"k":"NOVEL"}""", "message M { L k = 1; } enum L { NO = 0; ROMAN = 2; }", """{"k":"ROMAN"}""")]
    // A name stands for one number for good.
    [InlineData("message M { string a = 1; string b = 2; }", """{"a":"x","b":"y"}""", "message M { string b = 1; string a = 2; }", """{"b@1":"x","a@2":"y"}""")]
    [InlineData("message M { K k = 1; } enum K { NO = 0; A = 1; B = 2; }", """{"k":"A"}""", "message M { K k = 1; } enum K { NO = 0; B = 1; A = 2; }", """{"k":1}""")]
    // Fields come and go; what one revision does not know it keeps.
    [InlineData("message M { string a = 1; }", """{"a":"x"}""", "message M { string a = 1; string b = 2; }", """{"a":"x"}""")]
    [InlineData("message M { string a = 1; I b = 2; } message I { string c = 1; }", """{"a":"x","b":{"c":"y"}}""", "message M { string a = 1; }", """{"a":"x","b":{"c":"y"}}""")]
    [InlineData("message M { repeated int32 n = 1; map<string, K> m = 2; } enum K { NO = 0; A = 1; }", """{"n":[1,2],"m":{"k":"A"}}""", "message M { string a = 3; }", """{"n":[1,2],"m":{"k":"A"}}""")]
    [InlineData("message M { K k = 1; } enum K { NO = 0; A = 1; }", """{"k":"A"}""", "message M { K k = 1; } enum K { NO = 0; }", """{"k":"A"}""")]
    // int32, uint32, int64, uint64, bool and enums.
    [InlineData("message M { int32 n = 1; }", """{"n":-5}""", "message M { int64 n = 1; }", """{"n":"-5"}""")]
    [InlineData("message M { int64 n = 1; }", """{"n":"5"}""", "message M { int32 n = 1; }", """{"n":5}""")]
    [InlineData("message M { uint32 n = 1; }", """{"n":5}""", "message M { uint64 m = 1; }", """{"m":"5"}""")]
    [InlineData("message M { uint64 n = 1; }", """{"n":"5"}""", "message M { uint32 n = 1; }", """{"n":5}""")]
    [InlineData("message M { bool n = 1; }", """{"n":true}""", "message M { int32 n = 1; }", """{"n":1}""")]
    [InlineData("message M { int64 n = 1; }", """{"n":"2"}""", "message M { bool n = 1; }", """{"n":true}""")]
    [InlineData("message M { K n = 1; } enum K { NO = 0; A = 7; }", """{"n":"A"}""", "message M { int32 n = 1; }", """{"n":7}""")]
    [InlineData("message M { repeated K n = 1; } enum K { NO = 0; A = 7; }", """{"n":["A","NO"]}""", "message M { repeated int64 m = 1; }", """{"m":["7","0"]}""")]
    [InlineData("message M { int32 n = 1; }", """{"n":7}""", "message M { K n = 1; } enum K { NO = 0; A = 7; }", """{"n":"A"}""")]
    // sint32 and sint64, fixed32 and sfixed32, fixed64 and sfixed64.
    [InlineData("message M { sint32 n = 1; }", """{"n":-7}""", "message M { sint64 n = 1; }", """{"n":"-7"}""")]
    [InlineData("message M { fixed32 n = 1; }", """{"n":7}""", "message M { sfixed32 n = 1; }", """{"n":7}""")]
    [InlineData("message M { sfixed64 n = 1; }", """{"n":"7"}""", "message M { fixed64 n = 1; }", """{"n":"7"}""")]
    // string and bytes; bytes and messages.
    [InlineData("message M { string s = 1; }", """{"s":"abcd"}""", "message M { bytes s = 1; }", """{"s@1":"YWJjZA=="}""")]
    [InlineData("message M { bytes s = 1; }", """{"s":"YWJjZA=="}""", "message M { string s = 1; }", """{"s@1":"abcd"}""")]
    [InlineData("message M { I i = 1; } message I { int32 n = 1; }", """{"i":{"n":1}}""", "message M { bytes i = 1; }", """{"i":"CAE="}""")]
    [InlineData("message M { bytes i = 1; }", """{"i":"CAE="}""", "message M { I i = 1; } message I { int32 n = 1; }", """{"i":{"n":1}}""")]
    // One and many: of many, the last.
    [InlineData("message M { I i = 1; } message I { int32 n = 1; }", """{"i":{"n":1}}""", "message M { repeated I i = 1; } message I { int32 n = 1; }", """{"i":[{"n":1}]}""")]
    [InlineData("message M { repeated string s = 1; }", """{"s":["a"]}""", "message M { string s = 1; }", """{"s":"a"}""")]
    [InlineData("message M { map<string, int32> m = 1; }", """{"m":{"a":1}}""", "message M { repeated E m = 1; } message E { string key = 1; int32 value = 2; }", """{"m":[{"key":"a","value":1}]}""")]
    [InlineData("message M { repeated E m = 1; } message E { string k = 1; int32 v = 2; }", """{"m":[{"k":"a","v":1}]}""", "message M { map<string, int32> m = 1; }", """{"m":{"a":1}}""")]
    // Into a oneof and out of it; with presence and without.
    [InlineData("message M { string a = 1; int32 b = 2; }", """{"a":"x"}""", "message M { oneof string a = 1; oneof int32 c = 3; int32 b = 2; }", """{"a":"x"}""")]
    [InlineData("message M { oneof string a = 1; oneof int32 c = 3; }", """{"c":0}""", "message M { string a = 1; int32 c = 3; }", """{"c":0}""")]
    [InlineData("message M { int32 a = 1; }", """{"a":3}""", "message M { optional int32 a = 1; }", """{"a":3}""")]
    public void CompatibleChange_IsRead(string before, string json, string after, string then)
    {
        var (old, next) = (new Revision(before), new Revision(after));
        var recorded = old.Learn();
        Assert.Equal(json, old.StoredAgain(json));

        var record = next.Learn(recorded);

        Assert.Equal(then, next.StoredAgain(json));
        Assert.Equal(then, next.StoredFrom(old.Read(json)));

        // What the next revision stores, the old one reads after a rollback; and then the next one again.
        record = old.Learn(record);
        Assert.Equal(next.Read(json), next.Read(old.StoredAgain(then)));
        Assert.Equal(record, old.Learn(record));
        Assert.Equal(record, next.Learn(record));
    }

    [Fact]
    public void NumberThatBecomesAList_IsRead_AndThereIsNoWayBack()
    {
        var (old, next) = (new Revision("message M { int32 n = 1; }"), new Revision("message M { repeated int32 n = 1; }"));

        var record = next.Learn(old.Learn());

        Assert.Equal("""{"n":[7]}""", next.StoredAgain("""{"n":7}"""));
        Assert.Throws<EntityDefinitionException>(() => old.Learn(record));
    }

    [Theory]
    [InlineData("int32 n = 1;", "sint32 n = 1;")]
    [InlineData("int32 n = 1;", "string s = 1;")]
    [InlineData("string s = 1;", "int32 n = 1;")]
    [InlineData("int32 n = 1;", "fixed32 n = 1;")]
    [InlineData("int64 n = 1;", "double n = 1;")]
    [InlineData("fixed32 n = 1;", "float n = 1;")]
    [InlineData("fixed64 n = 1;", "double n = 1;")]
    [InlineData("double n = 1;", "float n = 1;")]
    [InlineData("string s = 1;", "M m = 1;")]
    [InlineData("map<string, M> m = 1;", "string s = 1;")]
    [InlineData("map<string, int32> m = 1;", "map<int32, int32> m = 1;")]
    [InlineData("repeated int32 n = 1;", "int32 n = 1;")]
    public void IncompatibleChange_IsRefusedWithTheCure(string before, string after)
    {
        var record = new Revision($"message M {{ {before} }}").Learn();

        var refused = Assert.Throws<EntityDefinitionException>(() => new Revision($"message M {{ {after} }}").Learn(record)).Message;

        Assert.StartsWith("t.M.", refused);
        Assert.Contains("number that was never used", refused);
    }

    [Fact]
    public void ChangeAfterAChange_IsComparedWithAllThatWasStored()
    {
        var record = new Revision("message M { bytes m = 1; }").Learn(new Revision("message M { string m = 1; }").Learn());

        Assert.Throws<EntityDefinitionException>(() => new Revision("message M { M m = 1; }").Learn(record));
    }

    [Theory]
    [InlineData("message M { int64 n = 1; }", """{"n":"5000000000"}""", "message M { int32 n = 1; }", "'n' of t.M is no int32")]
    [InlineData("message M { int32 n = 1; }", """{"n":-1}""", "message M { uint64 n = 1; }", "'n' of t.M is no uint64")]
    [InlineData("message M { int32 n = 1; }", """{"m":1}""", "message M { int32 n = 1; }", "The name 'm' in t.M is not recorded")]
    [InlineData("message M { K k = 1; } enum K { NO = 0; }", """{"k":"A"}""", "message M { K k = 1; } enum K { NO = 0; }", "'k' of t.M is no enum")]
    public void WhatDoesNotFit_IsUnreadable_NeverADefault(string before, string json, string after, string message)
    {
        var next = new Revision(after);
        next.Learn(new Revision(before).Learn());

        Assert.Contains(message, Assert.Throws<UnreadableEntityException>(() => next.Read(json)).Message);
    }

    [Theory]
    [InlineData("""message M { reserved "title"; int32 n = 1; }""", """{"title":"a","n":1}""", """{"n":1}""")]
    [InlineData("""message M { string title = 2; int32 n = 1; }""", """{"title":"a","n":null}""", """{"title":"a"}""")]
    public void WithoutARecord_TheAuthorSaysWhatANameIs(string proto, string json, string then) => Assert.Equal(then, new Revision(proto).StoredAgain(json));

    [Fact]
    public void RenamedMessage_IsReadByItsFormerName()
    {
        var renamed = new Revision("message Renamed { string heading = 2; }", "t.M");
        renamed.Learn(new Revision("message M { string title = 2; }").Learn());

        var read = renamed.Types.FromJson("t.M", """{"title":"a"}""");

        Assert.Equal("""{"heading":"a"}""", renamed.Types.ToJsonText(read));
    }

    [Fact]
    public void RecordOfTheSameNames_HasTheHashOfTheRevision_SoThatItNeedNotBeRead()
    {
        var (first, again) = (new Revision("message M { string a = 1; I i = 2; } message I { K k = 1; } enum K { NO = 0; }"), new Revision("message M { string a = 1; I i = 2; } message I { K k = 1; } enum K { NO = 0; }"));
        var record = Knative.Protobuf.NameRecord.Parse(first.Learn());

        Assert.Equal(record.Hash, again.Types.Shapes.Hash);
        Assert.Null(again.Types.Shapes.Learn(""));
        Assert.NotEqual(record.Hash, new Revision("message M { string b = 1; }").Types.Shapes.Hash);
    }
}
