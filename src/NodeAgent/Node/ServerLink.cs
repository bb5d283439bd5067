using Grpc.Net.Client;
using MeshCA.Protos.V1;

namespace MeshCA.NodeAgent.Node;

/// <summary>The one connection to the server that the long-lived streams share; a new one for each SVID of the agent.</summary>
internal sealed class ServerLink(NodeIdentity identity, ServerChannels channels)
{
    private readonly Lock _lock = new();

    private Shared? _current;

    /// <summary>Waits for an SVID, then gives a client that presents it.</summary>
    public async Task<Lease> OpenAsync(CancellationToken ct)
    {
        var svid = await identity.WaitForSvidAsync(ct);
        lock (_lock)
        {
            if (_current?.Svid != svid)
            {
                var old = _current;
                _current = new(svid, channels.Open(() => [identity.Bundle!], svid));
                Release(old);
            }

            _current.Holders++;
            return new(this, _current);
        }
    }

    /// <summary>Closed when neither the link nor a lease holds it.</summary>
    private void Release(Shared? shared)
    {
        lock (_lock)
        {
            if (shared is not null && --shared.Holders == 0)
            {
                shared.Channel.Dispose();
            }
        }
    }

    internal sealed class Shared(NodeSvid svid, GrpcChannel channel)
    {
        public NodeSvid Svid { get; } = svid;

        public GrpcChannel Channel { get; } = channel;

        /// <summary>One is the link's own.</summary>
        public int Holders { get; set; } = 1;
    }

    /// <summary>Keeps the connection open until disposed.</summary>
    internal sealed class Lease(ServerLink link, Shared shared) : IDisposable
    {
        private bool _disposed;

        public AgentService.AgentServiceClient Client { get; } = new(shared.Channel);

        /// <summary>False once the agent has a newer SVID: streams should move over.</summary>
        public bool IsCurrent => ReferenceEquals(link._current, shared);

        public NodeSvid Svid => shared.Svid;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _disposed, true))
            {
                link.Release(shared);
            }
        }
    }
}
