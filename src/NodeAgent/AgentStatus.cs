using MeshCA.NodeAgent.Node;
using MeshCA.NodeAgent.Svids;
using MeshCA.NodeAgent.Sync;

namespace MeshCA.NodeAgent;

/// <summary>Knows how the agent is, for <c>/readyz</c> and for who waits for the first SVID.</summary>
public sealed class AgentStatus
{
    private const string Ok = "ok";
    private const string Degraded = "degraded";
    private const string Down = "down";

    private readonly NodeIdentity _identity;
    private readonly SyncClient _sync;
    private readonly IdentityCache _cache;

    internal AgentStatus(NodeIdentity identity, SyncClient sync, IdentityCache cache)
    {
        _identity = identity;
        _sync = sync;
        _cache = cache;
    }

    /// <summary>False until the server's first snapshot has been applied; true from then on, even while the server is away.</summary>
    public bool IsInSync => _cache.IsInSync;

    /// <summary>X509-SVIDs of workloads that are held now.</summary>
    public int SvidsHeld => _cache.SvidsHeld;

    public AgentReadiness GetReadiness()
    {
        var inSync = _cache.IsInSync;
        var pending = inSync ? _cache.SvidsPending : 0;
        var server = _sync.IsConnected ? null : _sync.Problem ?? "not connected yet";
        return new(
            inSync,
            [
                new(
                    "nodeIdentity",
                    _identity switch
                    {
                        { Svid: null } => Down,
                        { Problem: not null } => Degraded,
                        _ => Ok,
                    },
                    _identity.Problem
                ),
                new(
                    "server",
                    server is null ? Ok
                        : inSync ? Degraded
                        : Down,
                    server
                ),
                new(
                    "svids",
                    !inSync ? Down
                        : pending > 0 ? Degraded
                        : Ok,
                    !inSync ? "not in sync with the server yet"
                        : pending > 0 ? $"{pending} are awaited"
                        : null
                ),
            ]
        );
    }
}
