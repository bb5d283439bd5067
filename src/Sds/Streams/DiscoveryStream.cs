using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Grpc.Core;
using MeshCA.Sds.Grpc;
using MeshCA.Sds.Resources;
using MeshCA.Sds.Secrets;
using Microsoft.Extensions.Logging;

namespace MeshCA.Sds.Streams;

/// <summary>One client's stream: what it asked for, what it was sent, what it accepted.</summary>
/// <remarks>
/// Its slot for what is to be sent is the view's current content: while a write is under way nothing piles up, and the
/// newest content wins. A push writes into the connection's buffer and never waits; ten thousand idle streams are this
/// object and what Kestrel holds for a request.
/// </remarks>
internal abstract partial class DiscoveryStream(FeedHub hub, SdsOptions options, PipeWriter output, ILogger logger)
{
    // A longer list comes from no Envoy; each name costs memory for as long as the stream lives.
    protected const int MaxNames = 10_000;

    private ValueTaskAwaiter<FlushResult> _flush;
    private Action? _flushed;
    private TaskCompletionSource? _drained;
    private Nack? _refusal;
    private bool _flushing;
    private bool _ended;

    /// <summary>Its place in its view's list; guarded by the hub's lock.</summary>
    public int IndexInView { get; set; }

    /// <summary>Guards all of this; taken before the hub's lock, never after it.</summary>
    protected Lock Gate { get; } = new();

    protected View? View { get; private set; }

    protected NodeFacts Node { get; private set; } = NodeFacts.Unknown(options);

    /// <summary>What the client was told last, which is what it holds if it accepted all of it.</summary>
    protected ResourceSet Sent { get; set; } = ResourceSet.Empty;

    /// <summary>What the client has accepted, or says it holds.</summary>
    protected ResourceSet Accepted { get; set; } = ResourceSet.Empty;

    /// <summary>The last response; its nonce is the one that counts.</summary>
    protected Response? Last { get; private set; }

    public static void CheckType(string typeUrl)
    {
        if (typeUrl.Length > 0 && typeUrl != SecretEncoder.TypeUrl)
        {
            throw GrpcWire.Refuse(
                StatusCode.InvalidArgument,
                $"type_url {NackText.Scrub(typeUrl)} is not served here, only {SecretEncoder.TypeUrl}"
            );
        }
    }

    /// <summary>Sends what is new. Called on any thread, never waits.</summary>
    public void Push()
    {
        lock (Gate)
        {
            Pump();
        }
    }

    /// <summary>After this nothing is written; completes when nothing is being written.</summary>
    public Task EndAsync()
    {
        lock (Gate)
        {
            _ended = true;
            MoveTo(null);
            if (!_flushing)
            {
                return Task.CompletedTask;
            }

            var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _drained = drained;
            return drained.Task;
        }
    }

    /// <summary>Tells where this stream is with each resource of its view.</summary>
    /// <remarks>
    /// Called under the hub's lock, so not under <see cref="Gate"/>: a figure may be that of a moment ago.
    /// </remarks>
    public void Report(ResourceSet current, SdsStatusBuilder status)
    {
        var accepted = Accepted;
        var refusal = _refusal;
        foreach (var resource in current.Resources)
        {
            var acked = ReferenceEquals(accepted, current) || accepted.Holds(resource);
            var refused = !acked && refusal?.Refused.Any(resource.SameAs) == true;
            status.Add(resource.Name, acked, refused ? refusal : null);
        }
    }

    /// <summary>Keeps what matters of a node; later requests of a stream may come without one.</summary>
    protected void Know(Protos.Envoy.Config.Core.V3.Node? node)
    {
        if (node is not null)
        {
            Node = NodeFacts.Of(node, options);
        }
    }

    /// <summary>The next response owed, or null. Says so in <see cref="Sent"/>.</summary>
    protected abstract Response? Next(ResourceSet current);

    /// <summary>Looks at another view from now on; true if it is another one.</summary>
    protected bool Look(bool everything, IEnumerable<string> names)
    {
        var key = new ViewKey(everything, names, Node.PlainRoots);
        SecretNames.Check(key, options);
        if (key.Names.Length > MaxNames)
        {
            throw GrpcWire.Refuse(StatusCode.InvalidArgument, $"more than {MaxNames} resource names on one stream");
        }

        if (key.Equals(View?.Key))
        {
            return false;
        }

        MoveTo(key.IsEmpty ? null : key);
        return true;
    }

    /// <summary>Notes what the client holds now that it has accepted <paramref name="carried"/>.</summary>
    protected void Accept(ResourceSet accepted, Resource[] carried)
    {
        Accepted = accepted;
        if (_refusal is { } refusal && refusal.Refused.All(r => carried.Any(c => c.Name == r.Name)))
        {
            _refusal = null;
        }
    }

    protected void Refuse(Resource[] refused, Google.Rpc.Status error)
    {
        _refusal = Nack.Of(refused, NackText.Scrub(error.Message));
        SdsMetrics.Nacks.Add(1);
        LogNack(logger, Node.Id, Node.Cluster, string.Join(", ", refused.Take(5).Select(r => r.Name)), _refusal.Reason);
    }

    protected void LogStale(string nonce) => LogStaleNonce(logger, Node.Id, NackText.Scrub(nonce));

    /// <summary>Sends what is owed, as far as the connection takes it. Under <see cref="Gate"/>.</summary>
    protected void Pump()
    {
#pragma warning disable CA2012 // awaited by hand: an async method would allocate for each stream of a push
        while (!_ended && !_flushing && View?.Current is { } current)
        {
            if (ReferenceEquals(current, Sent) || Next(current) is not { } response)
            {
                return;
            }

            Last = response;
            SdsMetrics.Responses.Add(1);
            var write = output.WriteAsync(response.Frame);
            if (write.IsCompletedSuccessfully)
            {
                _ended |= write.Result.IsCompleted;
                continue;
            }

            // The client reads slowly: the rest waits until its connection takes bytes again.
            _flushing = true;
            _flush = write.GetAwaiter();
            _flush.UnsafeOnCompleted(_flushed ??= Flushed);
        }
#pragma warning restore CA2012
    }

    private void MoveTo(ViewKey? key)
    {
        if (View is { } old)
        {
            hub.Leave(old, this);
        }

        View = key is null ? null : hub.Enter(key, this);
    }

    private void Flushed()
    {
        lock (Gate)
        {
            _flushing = false;
            try
            {
#pragma warning disable VSTHRD002 // it is completed: this is its continuation
                _ended |= _flush.GetResult().IsCompleted;
#pragma warning restore VSTHRD002
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
            {
                // The connection is gone; the reading side ends the stream.
                _ended = true;
            }

            _flush = default;
            _drained?.TrySetResult();
            Pump();
        }
    }

    [LoggerMessage(LogLevel.Warning, "Envoy {NodeId} of cluster {Cluster} refused {ResourceNames}: {Reason}")]
    private static partial void LogNack(
        ILogger logger,
        string nodeId,
        string cluster,
        string resourceNames,
        string reason
    );

    [LoggerMessage(LogLevel.Debug, "Request of Envoy {NodeId} with the stale nonce {Nonce} is ignored")]
    private static partial void LogStaleNonce(ILogger logger, string nodeId, string nonce);
}
