using System.Buffers;
using BenchmarkDotNet.Attributes;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Routing;
using Google.Protobuf;
using ShoppingCart.Api;
using ShoppingCart.Domain;

namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>Messages on their way to the store, to REST clients and to other pods.</summary>
[MemoryDiagnoser]
public class MessageBenchmarks
{
    private readonly StoredTypes _types = new([ItemAdded.Descriptor]);
    private readonly ItemAdded _event = new() { Item = new ShoppingCart.Domain.LineItem { ProductId = "p1", Name = "Apple", Quantity = 1 } };
    private readonly MessageShape _input = MessageShapes.Plain.Of(AddLineItem.Descriptor);
    private readonly MessageShape _output = MessageShapes.Plain.Of(ShoppingCart.Api.Cart.Descriptor);
    private readonly ShoppingCart.Api.Cart _cart = new() { Items = { Enumerable.Range(0, 10).Select(number => new ShoppingCart.Api.LineItem { ProductId = $"p{number}", Name = "Apple", Quantity = 1 }) } };
    private readonly AddLineItem _addition = new() { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 1 };
    private readonly ForwardedCommand _head = new()
    {
        Method = "com.example.shoppingcart.ShoppingCart/AddItem",
        CommandId = Guid.NewGuid().ToString("N"),
        MadeUpId = true,
        MicrosecondsLeft = 30_000_000,
    };

    private readonly ArrayBufferWriter<byte> _wire = new();
    private readonly byte[] _json;

    public MessageBenchmarks() => _json = _types.ToJson(_event);

    [Benchmark(Description = "event to JSON")]
    [Budget(400, 150)]
    public byte[] EventToJson() => _types.ToJson(_event);

    [Benchmark(Description = "event from JSON")]
    [Budget(600, 250)]
    public object EventFromJson() => _types.FromJson(ItemAdded.Descriptor.FullName, _json);

    [Benchmark(Description = "REST body to message")]
    [Budget(600, 250)]
    public IMessage? BodyToMessage() => MessageJson.TryRead("""{"productId":"p1","name":"Apple","quantity":1}"""u8, AddLineItem.Descriptor, _input);

    [Benchmark(Description = "reply of ten items to REST body")]
    [Budget(2000, 700)]
    public byte[] ReplyToBody() => MessageJson.Write(_cart, _output, JsonStyle.Client);

    [Benchmark(Description = "frame to another pod, there and back")]
    [Budget(2000, 2000)]
    public IMessage[] Frame()
    {
        _wire.ResetWrittenCount();
        PeerFrame.Write(_wire, PeerFrameKind.Command, call: 123, _head, _addition);
        var received = _wire.WrittenSpan;
        return PeerFrame.TryTake(ref received, out var frame)
            ? [ForwardedCommand.Parser.ParseFrom(frame.Head), AddLineItem.Parser.ParseFrom(frame.Body)]
            : throw new InvalidOperationException("A frame is missing.");
    }
}
