using System.Buffers;
using CloudState.Knative.Routing;

namespace CloudState.Knative.UnitTests.Routing;

public sealed class PeerFrameTests
{
    private readonly ArrayBufferWriter<byte> _wire = new();

    [Fact]
    public void WhatIsWritten_IsTaken_InOrder()
    {
        var (head, body) = (new ForwardedOutcome { StatusDetail = "ä", Metadata = { "name", "value" } }, new ForwardedCommand { Method = "m" });
        PeerFrame.Write(_wire, PeerFrameKind.Outcome, ulong.MaxValue, head, body);
        PeerFrame.Write(_wire, PeerFrameKind.Cancel, 7, null, null);
        var received = _wire.WrittenSpan;

        Assert.True(PeerFrame.TryTake(ref received, out var outcome));
        Assert.Equal((PeerFrameKind.Outcome, ulong.MaxValue), (outcome.Kind, outcome.Call));
        Assert.Equal(head, ForwardedOutcome.Parser.ParseFrom(outcome.Head));
        Assert.Equal(body, ForwardedCommand.Parser.ParseFrom(outcome.Body));
        Assert.True(PeerFrame.TryTake(ref received, out var cancel));
        Assert.Equal((PeerFrameKind.Cancel, 7ul, true, true), (cancel.Kind, cancel.Call, cancel.Head.IsEmpty, cancel.Body.IsEmpty));
        Assert.True(received.IsEmpty);
    }

    [Fact]
    public void Ping_IsAsDocumented()
    {
        PeerFrame.Write(_wire, PeerFrameKind.Ping, 0, null, null);

        Assert.Equal([0, 0, 0, 13, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], _wire.WrittenSpan.ToArray());
    }

    [Fact]
    public void PartOfAFrame_IsLeft()
    {
        PeerFrame.Write(_wire, PeerFrameKind.Command, 1, new ForwardedCommand { Method = "m" }, null);
        for (var length = 0; length < _wire.WrittenCount; length++)
        {
            var received = _wire.WrittenSpan[..length];

            Assert.False(PeerFrame.TryTake(ref received, out _));
            Assert.Equal(length, received.Length);
        }
    }

    [Theory]
    [InlineData("00000005 04 0000000000000000 00000000", "a frame of 5 bytes")]
    [InlineData("FFFFFFFF 04 0000000000000000 00000000", "a frame of -1 bytes")]
    [InlineData("40000001 04 0000000000000000 00000000", "a frame of 1073741825 bytes")]
    [InlineData("0000000D 04 0000000000000000 00000001", "a head of 1 bytes")]
    [InlineData("0000000D 04 0000000000000000 FFFFFFFF", "a head of -1 bytes")]
    public void WrongLength_IsRejected(string bytes, string said)
    {
        var rejected = Assert.Throws<InvalidDataException>(() =>
        {
            ReadOnlySpan<byte> received = Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal));
            PeerFrame.TryTake(ref received, out _);
        });

        Assert.Contains(said, rejected.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FramesInPieces_AreReadWhole_LargeOnesToo()
    {
        var large = new ForwardedCommand { Method = new string('x', 300_000) };
        PeerFrame.Write(_wire, PeerFrameKind.Command, 1, large, null);
        PeerFrame.Write(_wire, PeerFrameKind.Command, 2, new ForwardedCommand { Method = "small" }, large);
        PeerFrame.Write(_wire, PeerFrameKind.Ping, 3, null, null);
        var read = new List<(ulong Call, int Head, int Body)>();

        await PeerInput.ReadAllAsync(new Pieces(_wire.WrittenMemory.ToArray(), 999), frame => read.Add((frame.Call, frame.Head.Length, frame.Body.Length)), TestContext.Current.CancellationToken);

        Assert.Equal([(1, large.CalculateSize(), 0), (2, 7, large.CalculateSize()), (3, 0, 0)], read);
    }

    [Fact]
    public async Task FramesSentBeforeTheStreamIsThere_GoOutFirst_AndNoneAfterCompletion()
    {
        var output = new PeerOutput();
        Assert.True(output.Send(PeerFrameKind.Ping, 1));
        using var stream = new MemoryStream();
        output.Open(stream);
        Assert.True(output.Send(PeerFrameKind.Pong, 2));

        await output.CompleteAsync();

        Assert.False(output.Send(PeerFrameKind.Ping, 3));
        var calls = new List<ulong>();
        await PeerInput.ReadAllAsync(new MemoryStream(stream.ToArray()), frame => calls.Add(frame.Call), TestContext.Current.CancellationToken);
        Assert.Equal([1, 2], calls);
    }

    /// <summary>Gives a few bytes at a time.</summary>
    private sealed class Pieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
