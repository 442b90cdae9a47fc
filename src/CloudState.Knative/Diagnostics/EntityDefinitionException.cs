namespace CloudState.Knative;

/// <summary>An entity class does not fit its service. The message names the class, the member and the cure; it is thrown at start-up.</summary>
public sealed class EntityDefinitionException : Exception
{
    internal EntityDefinitionException(string message)
        : base(message)
    {
    }
}
