using MeshCA.NodeAgent.Peers;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>Turns a process into facts about it. Safe for concurrent use.</summary>
public interface IWorkloadAttestor
{
    /// <summary>
    /// Adds what it can prove of the peer. A fact that is absent adds nothing; what it cannot find out although it should is
    /// an exception, and the attestation fails as a whole.
    /// </summary>
    ValueTask AttestAsync(Peer peer, ICollection<Selector> selectors, CancellationToken ct);
}
