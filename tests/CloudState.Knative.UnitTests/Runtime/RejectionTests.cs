using CloudState.Knative.Entities;
using CloudState.Knative.UnitTests.Protos;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>A command that its handler rejects, whatever else the handler does then.</summary>
public sealed class RejectionTests : IAsyncDisposable
{
    private readonly List<string> _ran = [];
    private readonly RuntimeFixture _fixture;

    public RejectionTests() => _fixture = new RuntimeFixture(EntityDefinitionReader.Read(typeof(StubbornEntity)), _ => new StubbornEntity(_ran));

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Fail_EndsTheHandler()
    {
        await RejectedAsync("fail");

        Assert.Empty(_ran);
    }

    [Theory]
    [InlineData("throw")]
    [InlineData("cancel")]
    [InlineData("time-out")]
    public async Task LaterException_DoesNotReplaceTheRejection(string behaviour)
    {
        await RejectedAsync(behaviour);

        Assert.Equal([behaviour], _ran);
    }

    [Theory]
    [InlineData("swallow")]
    [InlineData("emit-and-swallow")]
    public async Task SwallowedFail_RejectsTheCommandNevertheless(string behaviour)
    {
        await RejectedAsync(behaviour);

        Assert.Equal([behaviour], _ran);
    }

    [Theory]
    [InlineData("emit")]
    [InlineData("delete")]
    [InlineData("fail-again")]
    public async Task WhatFollowsASwallowedFail_EndsTheHandler(string behaviour)
    {
        await RejectedAsync(behaviour);

        Assert.Equal([behaviour], _ran);
    }

    [Fact]
    public async Task FailAfterAnEvent_KeepsNothing()
    {
        await RejectedAsync("fail-after-emit");

        Assert.Empty(_ran);
    }

    private async Task RejectedAsync(string behaviour)
    {
        await _fixture.AddAsync("a", 1);

        var outcome = await _fixture.AddAsync("a", 10, behaviour);

        Assert.Equal(new Status(StatusCode.OutOfRange, "Not today."), outcome.Status);
        Assert.Equal(1, await _fixture.TotalAsync("a"));
        Assert.Equal([new Added { Amount = 1 }], _fixture.Store.EventsOf(RuntimeFixture.KeyOf("a")));
        Assert.Equal(3, ((Total)(await _fixture.AddAsync("a", 2)).Reply!).Value);
    }

    /// <summary>Does not take its own rejections seriously.</summary>
    [EventSourcedEntity<Counter.CounterBase>("counter")]
    public sealed class StubbornEntity(List<string> ran) : EventSourcedEntity<Total>
    {
        public Total Add(Addition command, CommandContext context)
        {
            if (command.Behaviour is "" or "fail-after-emit" or "emit-and-swallow")
            {
                context.Emit(new Added { Amount = command.Amount });
            }

            if (command.Behaviour.Length > 0)
            {
                try
                {
                    context.Fail("Not today.", StatusCode.OutOfRange);
                    ran.Add("after Fail");
                }
                catch (Exception) when (!command.Behaviour.StartsWith("fail", StringComparison.Ordinal) || command.Behaviour == "fail-again")
                {
                    ran.Add(command.Behaviour);
                    GoOn(command, context);
                }
            }

            return State;
        }

        public Total Read(Question command) => State;

        public void Apply(Added added) => State.Value += added.Amount;

        private void GoOn(Addition command, CommandContext context)
        {
            switch (command.Behaviour)
            {
                case "throw":
                    throw new InvalidDataException("secret");
                case "cancel":
                    throw new OperationCanceledException();
                case "time-out":
                    throw new TimeoutException();
                case "emit":
                    context.Emit(new Added { Amount = command.Amount });
                    ran.Add("after Emit");
                    break;
                case "delete":
                    context.Delete();
                    ran.Add("after Delete");
                    break;
                case "fail-again":
                    context.Fail("Something else.", StatusCode.NotFound);
                    ran.Add("after Fail");
                    break;
            }
        }
    }
}
