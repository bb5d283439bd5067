using MeshCA.NodeAgent.Peers;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>Attests the caller of a request on the agent socket; remembers it for the connection while it is the same program.</summary>
internal sealed partial class PeerAttestor(
    IEnumerable<IWorkloadAttestor> attestors,
    PeerLimits limits,
    ILogger<PeerAttestor> logger
)
{
    private const int MaxTries = 3;

    private readonly IWorkloadAttestor[] _attestors = [.. attestors];

    /// <summary>Counts the call against its uid until the response ends.</summary>
    public ValueTask<SelectorSet> AttestAsync(HttpContext connection, CancellationToken ct)
    {
        if (connection.Features.Get<IPeerFeature>() is not { } feature)
        {
            throw new MeshCaException(ErrorKind.Internal, "the connection has no peer credentials");
        }

        var peer = feature.Peer;
        connection.Response.RegisterForDispose(
            limits.TryAddStream(peer.Credentials.Uid)
                ?? throw new MeshCaException(
                    ErrorKind.ResourceExhausted,
                    $"uid {peer.Credentials.Uid} holds {PeerLimits.StreamsPerUid} streams already; close some"
                )
        );
        return AttestAsync(peer, ct);
    }

    public ValueTask<SelectorSet> AttestAsync(Peer peer, CancellationToken ct)
    {
        // An exec between two calls makes it another program, with the same PID and credentials.
        if (peer.Attested is { } known && known.Exe == Exe(peer))
        {
            return peer.IsAlive ? new(known.Selectors) : throw Gone();
        }

        return AttestAnewAsync(peer, ct);
    }

    private async ValueTask<SelectorSet> AttestAnewAsync(Peer peer, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            var exe = Exe(peer);
            var selectors = new List<Selector>();
            try
            {
                foreach (var attestor in _attestors)
                {
                    await attestor.AttestAsync(peer, selectors, ct);
                }
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                if (!peer.IsAlive)
                {
                    throw Gone();
                }

                NodeAgentMetrics.CountAttestation(succeeded: false);
                LogFailed(e, peer.Credentials.Pid, peer.Credentials.Uid);
                throw new MeshCaException(ErrorKind.Unavailable, "workload attestation failed", e);
            }

            if (!peer.IsAlive)
            {
                throw Gone();
            }

            if (exe != Exe(peer) && tries < MaxTries)
            {
                continue;
            }

            var attested = new AttestedProcess(exe, new(selectors));
            peer.Attested = attested;
            NodeAgentMetrics.CountAttestation(succeeded: true);
            LogAttested(peer.Credentials.Pid, attested.Selectors);
            return attested.Selectors;
        }
    }

    private static FileIdentity? Exe(Peer peer) => FileIdentity.Of(peer.EncodedExePath, out _);

    private static MeshCaException Gone() =>
        new(ErrorKind.Unauthenticated, "could not verify existence of the original caller");

    [LoggerMessage(LogLevel.Debug, "Attested process {Pid}: {Selectors}")]
    private partial void LogAttested(int pid, SelectorSet selectors);

    [LoggerMessage(LogLevel.Error, "Could not attest process {Pid} of uid {Uid}")]
    private partial void LogFailed(Exception e, int pid, uint uid);
}
