using CloudState.Knative.Actions;
using CloudState.Knative.Entities;
using CloudState.Knative.Journal;
using CloudState.Knative.Remote;
using CloudState.Knative.Topics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Hosting;

/// <summary>Checks, when the service starts to serve, that what is registered fits together.</summary>
internal sealed partial class ServiceValidation(
    EntityDefinitions entities,
    ActionDefinitions actions,
    IEnumerable<RemoteServiceRegistration> remotes,
    TopicSinks sinks,
    EventConsumers consumers,
    MappedService mapped,
    IEnumerable<ConstructedClass> classes,
    IEnumerable<LocalClient> localClients,
    IEnumerable<RemoteClient> remoteClients,
    IServiceProvider services,
    IConfiguration configuration,
    ILogger<ServiceValidation> logger)
{
    private bool _isDone;

    /// <exception cref="EntityDefinitionException">Classes do not fit together; the message names them and the cure.</exception>
    /// <exception cref="InvalidOperationException">A setting is missing or wrong.</exception>
    public void Check()
    {
        if (_isDone)
        {
            return;
        }

        foreach (var remote in remotes)
        {
            _ = ServiceAddress.Of(remote.Name, configuration);
        }

        if (entities.All.Count + actions.All.Count == 0)
        {
            throw new EntityDefinitionException(
                "Nothing is registered. Call builder.AddCloudState().AddEntity<YourEntity>(), or AddAction<YourAction>().");
        }

        RejectUnknownCalls();
        var own = localClients.Select(local => local.Client).Except(remoteClients.Select(remote => remote.Client)).ToHashSet();
        foreach (var constructed in classes)
        {
            constructed.Check(services, own);
        }

        _ = consumers.All;
        sinks.Check(PublishedTopics().Distinct());
        if (mapped.Endpoints is null)
        {
            LogNothingMapped(MappedService.Missing);
        }

        _ = mapped.Endpoints?.Endpoints;
        _isDone = true;
    }

    [LoggerMessage(75, LogLevel.Error, "{Missing}", EventName = "NothingMapped")]
    private partial void LogNothingMapped(string missing);

    private IEnumerable<string> PublishedTopics() =>
        entities.Commands.Select(found => found.Command.OutTopic)
            .Concat(actions.Methods.Select(found => found.Method.OutTopic))
            .Concat(entities.All.Select(entity => entity.Attribute.PublishTopic))
            .OfType<string>();

    private void RejectUnknownCalls()
    {
        HashSet<string> known =
        [
            .. entities.All.Select(entity => entity.Service.FullName),
            .. actions.All.Select(action => action.Definition.Service.FullName),
            .. remotes.Select(remote => remote.Service.FullName),
        ];
        var callers = entities.All.Select(entity => (Class: entity.EntityClass, entity.Calls))
            .Concat(actions.All.Select(action => (Class: action.Definition.ActionClass, action.Definition.Calls)));
        foreach (var (caller, calls) in callers)
        {
            if (calls.FirstOrDefault(service => !known.Contains(service)) is { } unknown)
            {
                throw new EntityDefinitionException(
                    $"{caller.FullName} calls {unknown}, which is not in this service. " +
                    "Register the class that implements it with AddEntity or AddAction, " +
                    "or another service with AddServiceClient.");
            }
        }
    }
}
