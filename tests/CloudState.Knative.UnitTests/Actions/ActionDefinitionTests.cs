using CloudState.Knative.Actions;
using CloudState.Knative.UnitTests.Protos;

namespace CloudState.Knative.UnitTests.Actions;

public sealed class ActionDefinitionTests
{
    [Fact]
    public void FittingClass_HasAllMethods()
    {
        var definition = ActionDefinitionReader.Read(typeof(Fitting));

        Assert.Equal(["cloudstate.tests.unit.Counter/Add", "cloudstate.tests.unit.Counter/Read"], definition.Methods.Select(method => method.FullName).Order());
    }

    [Theory]
    [InlineData(typeof(NoAttribute), "has no action attribute. Add: [Action<YourService.YourServiceBase>]")]
    [InlineData(typeof(MissingMethod), "has no handler for the rpc cloudstate.tests.unit.Counter.Read. Add: public Total Read(Question message, ActionContext context)")]
    [InlineData(typeof(EntityContext), "does not fit the rpc cloudstate.tests.unit.Counter.Add. Write: public Total Add(Addition message, ActionContext context)")]
    [InlineData(typeof(NoStream), "does not fit the rpc cloudstate.tests.unit.Streaming.Watch. Write: public Task<Total> Watch(IAsyncEnumerable<Question> messages, ActionContext context)")]
    public void UnfitClass_IsRefusedWithClassMemberAndCure(Type actionClass, string message) => Assert.Contains(
        message,
        Assert.Throws<EntityDefinitionException>(() => ActionDefinitionReader.Read(actionClass)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void TwoClassesForOneService_AreRefused()
    {
        var registration = new ActionRegistration(ActionDefinitionReader.Read(typeof(Fitting)), _ => new Fitting());

        var refused = Assert.Throws<EntityDefinitionException>(() => new ActionDefinitions([registration, registration]));

        Assert.Contains("both have the service 'cloudstate.tests.unit.Counter'", refused.Message, StringComparison.Ordinal);
    }

    [Action<Counter.CounterBase>]
    public class Fitting
    {
        public Task<Total> Add(Addition message, ActionContext context) => Task.FromResult(new Total { Value = message.Amount });

        public Total Read(Question message) => new();
    }

    public class NoAttribute : Fitting;

    [Action<Counter.CounterBase>]
    public class MissingMethod
    {
        public Total Add(Addition message) => new();
    }

    [Action<Counter.CounterBase>]
    public class EntityContext
    {
        public Total Add(Addition message, CommandContext context) => new();

        public Total Read(Question message) => new();
    }

    [Action<Streaming.StreamingBase>]
    public class NoStream
    {
        public Total Watch(Question message) => new();
    }
}
