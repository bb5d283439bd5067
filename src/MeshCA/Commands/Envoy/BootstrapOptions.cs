using MeshCA.Configuration;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Envoy;

/// <summary>What one workload's Envoy is to do.</summary>
internal sealed record BootstrapOptions
{
    /// <summary>Envoy ends at once without both (node.id, node.cluster).</summary>
    public required string NodeId { get; init; }

    public required string NodeCluster { get; init; }

    public required string Socket { get; init; }

    public bool IsDelta { get; init; } = true;

    /// <summary>0 = no admin interface.</summary>
    public int AdminPort { get; init; }

    /// <summary>The SDS name of the identity: <c>default</c>, or a SPIFFE ID.</summary>
    public string SvidName { get; init; } = "default";

    public required TimeSpan MaxConnectionDuration { get; init; }

    public required TimeSpan MaxStreamDuration { get; init; }

    public required int MaxConnections { get; init; }

    public IngressOptions? Ingress { get; init; }

    public EgressOptions? Egress { get; init; }
}

/// <summary>mTLS in, plain HTTP to the application.</summary>
internal sealed record IngressOptions(HostPort Listen, HostPort App, bool AppHttp2);

/// <summary>Plain HTTP from the application, mTLS out to one peer.</summary>
/// <param name="Listen">Loopback, as a rule.</param>
/// <param name="Peer">The peer's ingress.</param>
/// <param name="PeerId">The one identity that the peer may have.</param>
/// <param name="BundleName">The SDS name of the roots to verify it with.</param>
internal sealed record EgressOptions(HostPort Listen, HostPort Peer, SpiffeId PeerId, string BundleName);
