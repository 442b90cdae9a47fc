using CloudState.Knative.Entities;
using CloudState.Knative.UnitTests.Protos;

namespace CloudState.Knative.UnitTests.Entities;

public class EntityKeyFieldsTests
{
    private readonly EntityKeyFields _compound = EntityKeyFields.Of(CompoundKey.Descriptor);
    private readonly EntityKeyFields _single = EntityKeyFields.Of(Question.Descriptor);

    [Fact]
    public void SeveralFields_JoinInFieldOrder() =>
        Assert.Equal("a-7", _compound.Read(new CompoundKey { First = "a", Second = 7, Other = "x" }));

    [Fact]
    public void SeparatorThatNoValueHas_KeepsKeysApart()
    {
        var apart = EntityKeyFields.Of(CompoundKey.Descriptor, "/");

        Assert.Equal("a/-7", apart.Read(new CompoundKey { First = "a", Second = -7 }));
        Assert.Equal("a-/7", apart.Read(new CompoundKey { First = "a-", Second = 7 }));
        Assert.Equal(_compound.Read(new CompoundKey { First = "a", Second = -7 }), _compound.Read(new CompoundKey { First = "a-", Second = 7 }));
    }

    [Fact]
    public void Integers_DoNotDependOnCulture() =>
        Assert.Equal("a--1234567", _compound.Read(new CompoundKey { First = "a", Second = -1_234_567 }));

    [Fact]
    public void OneEmptyPart_MakesTheKeyEmpty() => Assert.Equal("", _compound.Read(new CompoundKey { Second = 7 }));

    [Fact]
    public void SingleField_TakesSubject()
    {
        var question = new Question();

        Assert.True(_single.TryWrite(question, "alice"));
        Assert.Equal("alice", question.Counter);
    }

    [Fact]
    public void SeveralFields_TakeNoSubject() => Assert.False(_compound.TryWrite(new CompoundKey(), "a-7"));

    [Fact]
    public void IsSet_WhenAllPartsAre()
    {
        Assert.True(_single.IsSet(new Question { Counter = "a" }));
        Assert.False(_single.IsSet(new Question()));
        Assert.True(_compound.IsSet(new CompoundKey { First = "a" }));
        Assert.False(_compound.IsSet(new CompoundKey { Second = 7 }));
    }
}
