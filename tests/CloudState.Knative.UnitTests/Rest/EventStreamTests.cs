using System.Text;
using CloudState.Knative.Rest;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.UnitTests.Rest;

public sealed class EventStreamTests
{
    private readonly MemoryStream _sent = new();
    private readonly DefaultHttpContext _http = new();
    private readonly EventStream _events;

    public EventStreamTests()
    {
        _http.Response.Body = _sent;
        _events = new EventStream(_http.Response);
    }

    [Fact]
    public async Task LineInPieces_IsOneEvent()
    {
        await WriteAsync("{\"a\"", ":1", "}");
        Assert.Equal("", Sent);

        await WriteAsync("\n");

        Assert.Equal("data: {\"a\":1}\n\n", Sent);
    }

    [Fact]
    public async Task LinesInOnePiece_AreEvents()
    {
        await WriteAsync("1\n2\n3", "\n\n");

        Assert.Equal("data: 1\n\ndata: 2\n\ndata: 3\n\n", Sent);
    }

    [Fact]
    public async Task AfterFailure_IsAnErrorEvent()
    {
        await WriteAsync("1\n");
        _events.Fail();
        await WriteAsync("{}\n");

        Assert.Equal("data: 1\n\nevent: error\ndata: {}\n\n", Sent);
    }

    [Fact]
    public async Task OtherStatus_PassesUnchanged()
    {
        _http.Response.StatusCode = StatusCodes.Status400BadRequest;
        _http.Response.ContentType = "application/json";
        _events.Fail();
        await WriteAsync("{}\n");
        await _events.KeepAliveAsync();

        Assert.Equal("{}\n", Sent);
        Assert.Equal("application/json", _http.Response.ContentType);
    }

    [Fact]
    public async Task Comments_StartWithTheStream()
    {
        await _events.KeepAliveAsync();
        await WriteAsync("1\n", "2");
        await _events.KeepAliveAsync();
        await WriteAsync("3\n");

        Assert.Equal("data: 1\n\n:\n\ndata: 23\n\n", Sent);
    }

    [Fact]
    public async Task NoMessages_IsAnEmptyStream()
    {
        await _events.CompleteAsync();

        Assert.Equal("", Sent);
        Assert.Equal("text/event-stream", _http.Response.ContentType);
    }

    private string Sent => Encoding.UTF8.GetString(_sent.ToArray());

    private async Task WriteAsync(params string[] pieces)
    {
        foreach (var piece in pieces)
        {
            await _events.WriteAsync(Encoding.UTF8.GetBytes(piece));
        }
    }
}
