using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Calls;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Testing;

/// <summary>A generated client whose answers the test gives, for classes that get one through their constructor.</summary>
/// <example>
/// <code>
/// var mails = new FakeClient&lt;Mails.MailsClient&gt;().Answer("Send", (Mail mail) =&gt; new Receipt { To = mail.To });
/// var action = ActionTestKit.Create(() =&gt; new WelcomeAction(mails.Client));
/// </code>
/// </example>
/// <typeparam name="TClient">The client that the protobuf compiler generated, for example <c>Mails.MailsClient</c>.</typeparam>
public sealed class FakeClient<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] TClient>
    where TClient : ClientBase
{
    private readonly Dictionary<string, Func<IMessage, IEnumerable<IMessage>>> _answers = [];
    private readonly List<RequestedCall> _calls = [];

    /// <summary>Makes a client without any answers.</summary>
    public FakeClient() => Client = (TClient)Activator.CreateInstance(typeof(TClient), new Invoker(this))!;

    /// <summary>The client.</summary>
    public TClient Client { get; }

    /// <summary>The calls that were made, in order.</summary>
    public IReadOnlyList<RequestedCall> Calls
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>Answers the calls of an rpc.</summary>
    /// <param name="rpc">Its name, for example <c>Send</c>.</param>
    /// <param name="reply">Makes the reply, or throws an <see cref="RpcException"/> to fail the call.</param>
    /// <exception cref="TestKitException">The client has no such rpc.</exception>
    public FakeClient<TClient> Answer<TRequest, TReply>(string rpc, Func<TRequest, TReply> reply)
        where TRequest : class, IMessage
        where TReply : class, IMessage =>
        AnswerAll<TRequest, TReply>(rpc, request => [reply(request)]);

    /// <summary>Answers the calls of an rpc that streams its replies.</summary>
    /// <param name="rpc">Its name, for example <c>Watch</c>.</param>
    /// <param name="replies">Makes the replies, or throws an <see cref="RpcException"/> to fail the call.</param>
    /// <exception cref="TestKitException">The client has no such rpc.</exception>
    public FakeClient<TClient> AnswerAll<TRequest, TReply>(string rpc, Func<TRequest, IEnumerable<TReply>> replies)
        where TRequest : class, IMessage
        where TReply : class, IMessage
    {
        ArgumentNullException.ThrowIfNull(replies);
        if (!typeof(TClient).GetMethods().Any(method => (method.Name == rpc || method.Name == $"{rpc}Async") && method.GetParameters() is [var input, ..] && input.ParameterType == typeof(TRequest)))
        {
            throw new TestKitException($"{typeof(TClient).Name} has no rpc {rpc} that takes a {typeof(TRequest).Name}.");
        }

        _answers[rpc] = request => replies((TRequest)request);
        return this;
    }

    private IEnumerable<IMessage> RepliesTo(IMethod method, IMessage request, CallOptions options)
    {
        var call = new OutgoingCall(method.FullName[1..], request.ToByteString(), CallMetadata.Of(options.Headers)) { InputType = request.Descriptor };
        lock (_calls)
        {
            _calls.Add(new RequestedCall(call, isSynchronous: true));
        }

        return _answers.TryGetValue(method.Name, out var answer)
            ? answer(request)
            : throw new TestKitException($"The fake {typeof(TClient).Name} has no answer for {method.Name}. Give it one: Answer(\"{method.Name}\", …)");
    }

    private sealed class Invoker(FakeClient<TClient> fake) : CallInvoker
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var reply = Task.Run(() => BlockingUnaryCall(method, host, options, request), options.CancellationToken);
            return new AsyncUnaryCall<TResponse>(reply, Task.FromResult<Metadata>([]), () => Status.DefaultSuccess, () => [], () => { });
        }

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            (TResponse)fake.RepliesTo(method, (IMessage)request, options).Single();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var replies = new Replies<TResponse>(fake.RepliesTo(method, (IMessage)request, options).GetEnumerator());
            return new AsyncServerStreamingCall<TResponse>(replies, Task.FromResult<Metadata>([]), () => Status.DefaultSuccess, () => [], () => { });
        }

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            throw Unsupported(method);

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            throw Unsupported(method);

        private static TestKitException Unsupported(IMethod method) => new($"{method.FullName} takes a stream, which a FakeClient does not answer.");
    }

    private sealed class Replies<TReply>(IEnumerator<IMessage> replies) : IAsyncStreamReader<TReply>
    {
        public TReply Current => (TReply)replies.Current;

        public Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Task.FromResult(replies.MoveNext());
        }
    }
}
