using CloudState.Knative;

namespace Likes;

/// <summary>The likes of a page. Every pod counts those that arrive at it.</summary>
[CrdtEntity<PageLikes.PageLikesBase>("likes")]
public sealed class LikesEntity : CrdtEntity<GCounter>
{
    public LikeCount Like(LikePage command)
    {
        State.Increment();
        return Count();
    }

    public LikeCount Get(GetLikes query) => Count();

    public LikeCount Watch(GetLikes query) => Count();

    private LikeCount Count() => new() { Count = State.Value };
}
