using System.Net;
using MeshCA.Sds;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent;

/// <summary>agent.yaml after validation: every path absolute, every value in range.</summary>
public sealed record AgentOptions
{
    public required TrustDomain TrustDomain { get; init; }

    public required string DataDir { get; init; }

    /// <summary>The server's gRPC address, <c>host:port</c>. A name may have several addresses.</summary>
    public required DnsEndPoint Server { get; init; }

    /// <summary>Where the first trust bundle comes from.</summary>
    public required TrustBundleOptions TrustBundle { get; init; }

    public required JoinTokenOptions JoinToken { get; init; }

    public string SocketPath { get; init; } = "/run/meshca/agent.sock";

    /// <summary>Health and metrics; null = off.</summary>
    public IPEndPoint? Management { get; init; } = new(IPAddress.Loopback, 9465);

    public SdsOptions Sds { get; init; } = new();
}
