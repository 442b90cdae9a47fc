namespace CloudState.Knative.Grpc;

/// <summary>A response that shows the end of a stream by failure in its own way, as a feature of the request.</summary>
internal interface IFailingResponse
{
    /// <summary>What is written from now on says why the stream ends.</summary>
    void Fail();
}
