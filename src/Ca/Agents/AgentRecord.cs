using MeshCA.Spiffe;

namespace MeshCA.Ca.Agents;

/// <summary>What the store keeps of an attested agent.</summary>
public sealed record AgentRecord
{
    /// <summary>URL-safe; the last segment of the SPIFFE ID.</summary>
    public required string Id { get; init; }

    public required SpiffeId SpiffeId { get; init; }

    /// <summary>How it attested: <c>join_token</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The agent's software version, as it told us.</summary>
    public string Version { get; init; } = "";

    public required DateTimeOffset AttestedAt { get; init; }

    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>Of its newest X509-SVID, lower-case hex; empty until the first one is issued.</summary>
    public string SerialNumber { get; init; } = "";

    /// <summary>Of its newest X509-SVID; the default value until the first one is issued.</summary>
    public DateTimeOffset SvidNotAfter { get; init; }

    public bool Banned { get; init; }
}
