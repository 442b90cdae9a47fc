using System.Text.Json;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>The types of an entity, which notice in <see cref="CommandContext.Emit"/> or <see cref="ValueEntity{TState}.Update"/> what would be lost in the store: classes that are stored as JSON are copied through it.</summary>
internal sealed class CheckedTypes(EntityDefinition definition, JsonSerializerOptions? json) : StoredTypes(definition.Model.StoredTypes, json)
{
    public override object Copy(object value)
    {
        StoredForm.Of(definition.Model.StoredAs == StoredAs.Value ? "state" : "event", value, this);
        return base.Copy(value);
    }
}
