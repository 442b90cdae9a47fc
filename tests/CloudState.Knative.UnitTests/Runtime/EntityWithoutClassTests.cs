using System.Collections.Frozen;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>Entities whose commands, events and replies are bytes with a type, as those of functions in other languages are: there are no generated classes, and no entity class.</summary>
public sealed class EntityWithoutClassTests : IAsyncDisposable
{
    private static readonly FileDescriptor File = FileDescriptor.BuildFromByteStrings(
        UnitReflection.Descriptor.Dependencies.SelectMany(dependency => dependency.Dependencies.Append(dependency)).Append(UnitReflection.Descriptor)
            .Distinct().Select(file => file.SerializedData),
        new ExtensionRegistry { EntityKeyExtensions.EntityKey })[^1];

    private readonly RuntimeFixture _runtime = new(Definition(), _ => throw new InvalidOperationException("There is no class."));

    [Fact]
    public async Task Command_IsStoredAsBytes_AndAnsweredWithBytes()
    {
        var outcome = await AddAsync("alice", 2);
        await AddAsync("alice", 3);

        Assert.Equal("2", TotalOf(outcome));
        var events = _runtime.Store.EventsOf(RuntimeFixture.KeyOf("alice"));
        Assert.Equal([new Added { Amount = 2 }.ToByteString(), new Added { Amount = 3 }.ToByteString()], events.Select(stored => Assert.IsType<MessageBytes>(stored).Bytes));
    }

    [Fact]
    public async Task EntityThatHasLeftMemory_ComesBackFromItsEvents()
    {
        await AddAsync("alice", 2);
        await _runtime.QuietAsync();
        _runtime.Time.Advance(TimeSpan.FromDays(1));
        _runtime.Counters.PassivateIdle();

        Assert.Equal("5", TotalOf(await AddAsync("alice", 3)));
        Assert.Equal(2, _runtime.Store.Loads);
    }

    [Fact]
    public async Task RepeatedCommand_GetsItsFirstReply()
    {
        var first = await AddAsync("alice", 2, id: "one");
        await _runtime.QuietAsync();
        _runtime.Time.Advance(TimeSpan.FromMinutes(10));
        _runtime.Counters.PassivateIdle();

        Assert.Equal(TotalOf(first), TotalOf(await AddAsync("alice", 2, id: "one")));
        Assert.Single(_runtime.Store.EventsOf(RuntimeFixture.KeyOf("alice")));
    }

    [Fact]
    public void Key_IsReadAndCompletedInBytes()
    {
        var key = EntityKeyFields.Of(MessageOf<Addition>());
        var command = Bytes(new Addition { Amount = 2 });
        Assert.Equal("", key.Read(command));

        Assert.True(key.TryComplete(command, "alice"));

        Assert.Equal("alice", key.Read(command));
        Assert.Equal(new Addition { Counter = "alice", Amount = 2 }, Addition.Parser.ParseFrom(command.ToByteString()));
    }

    [Fact]
    public void BytesThatAreNoMessage_AreRefused() =>
        Assert.Throws<InvalidProtocolBufferException>(() => MessageOf<Addition>().Parse(ByteString.CopyFrom(0x0a, 0xff)));

    public ValueTask DisposeAsync() => _runtime.DisposeAsync();

    private static EntityDefinition Definition()
    {
        var rpc = File.Services.Single(service => service.Name == nameof(Counter)).FindMethodByName("Add");
        var add = new CommandDefinition(rpc, "a function", EntityKeyFields.Of(rpc.InputType), BytesCounter.AddAsync);
        return new EntityDefinition
        {
            Attribute = new EventSourcedEntityAttribute<Counter.CounterBase>("counter"),
            EntityClass = typeof(MessageBytes),
            Service = rpc.Service,
            Commands = new Dictionary<string, CommandDefinition> { [add.FullName] = add }.ToFrozenDictionary(),
            Model = new BytesModel(),
            Calls = [],
        };
    }

    private static MessageDescriptor MessageOf<T>() => File.MessageTypes.Single(type => type.Name == typeof(T).Name);

    private static MessageBytes Bytes(IMessage message) => new(File.MessageTypes.Single(type => type.Name == message.Descriptor.Name), message.ToByteString());

    private static string TotalOf(CallOutcome outcome) => $"{Total.Parser.ParseFrom(Assert.IsType<MessageBytes>(outcome.Reply).Bytes).Value}";

    private Task<CallOutcome> AddAsync(string counter, long amount, string? id = null) =>
        _runtime.ExecuteAsync(_runtime.CommandOf("Add", Bytes(new Addition { Counter = counter, Amount = amount }), id));

    private sealed class BytesModel : EntityModel
    {
        public override string KindName => "function";

        public override StoredAs StoredAs => StoredAs.Events;

        public override bool HasJournal => true;

        public override IReadOnlyList<StoredTypeUse> StoredTypes { get; } = [new StoredTypeUse(MessageOf<Added>())];

        public override EntityInstance Restore(StoredEntity stored, EntityEnvironment environment) => new BytesCounter(stored, environment.Types);
    }

    /// <summary>Stands for a function elsewhere, which knows what the bytes are.</summary>
    private sealed class BytesCounter : EntityInstance
    {
        private List<object> _events = [];
        private long _total;

        public BytesCounter(StoredEntity stored, StoredTypes types)
            : base(stored.Version, types)
        {
            foreach (var loaded in stored.Events)
            {
                Apply(loaded);
            }
        }

        public static ValueTask<IMessage?> AddAsync(EntityInstance entity, IMessage command, CommandContext context)
        {
            var counter = (BytesCounter)entity;
            var addition = Addition.Parser.ParseFrom(((MessageBytes)command).Bytes);
            var added = Bytes(new Added { Amount = addition.Amount });
            counter.Emit(entity.Types.Copy(added), added);
            return new(Bytes(new Total { Value = counter._total }));
        }

        public override void RequireEvent(Type eventType)
        {
        }

        public override void Emit(object stored, object applied)
        {
            _events.Add(stored);
            Version++;
            Apply(applied);
        }

        public override void Delete() => throw new NotSupportedException();

        protected override StateChange TakeChange(long expectedVersion, DateTimeOffset now)
        {
            var events = _events;
            _events = [];
            return new EventsChange(expectedVersion, events);
        }

        protected override StateChange NoChange(long version) => new EventsChange(version, []);

        private void Apply(object added) => _total += Added.Parser.ParseFrom(((MessageBytes)added).Bytes).Amount;
    }
}
