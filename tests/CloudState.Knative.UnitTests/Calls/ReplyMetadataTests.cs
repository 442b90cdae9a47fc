namespace CloudState.Knative.UnitTests.Calls;

public sealed class ReplyMetadataTests
{
    [Fact]
    public void Entries_KeepTheirOrder()
    {
        var metadata = new ReplyMetadata();

        metadata.Add("x-a", "1");
        metadata.Add("x_b.c", " ~");
        metadata.Add("x-a", "2");

        Assert.Equal([("x-a", "1"), ("x_b.c", " ~"), ("x-a", "2")], metadata.Entries!.Select(entry => (entry.Key, entry.Value)));
    }

    [Theory]
    [InlineData("X-Upper", "v")]
    [InlineData("with space", "v")]
    [InlineData("grpc-status", "v")]
    [InlineData("content-length", "v")]
    [InlineData("trace-bin", "v")]
    [InlineData("", "v")]
    [InlineData("x-a", "line\nbreak")]
    [InlineData("x-a", "é")]
    public void WhatIsNoHeader_IsRefused(string name, string value) => Assert.ThrowsAny<ArgumentException>(() => new ReplyMetadata().Add(name, value));
}
