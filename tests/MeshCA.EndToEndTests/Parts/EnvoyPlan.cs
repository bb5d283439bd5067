namespace MeshCA.EndToEndTests.Parts;

/// <summary>Names and ports of one Envoy: an mTLS ingress to its app, and an egress to its peer.</summary>
internal sealed record EnvoyPlan(string Name, int Uid, string Api)
{
    public int AdminPort { get; } = Meshca.FreePort();

    public int IngressPort { get; } = Meshca.FreePort();

    public int EgressPort { get; } = Meshca.FreePort();

    public required int AppPort { get; init; }

    public int PeerPort { get; init; }

    public string PeerId { get; init; } = "";

    /// <summary>Short in tests, so that rotations are seen on new connections.</summary>
    public string MaxConnectionDuration { get; init; } = "5s";

    public string SpiffeId => $"spiffe://example.org/{Name}";
}
