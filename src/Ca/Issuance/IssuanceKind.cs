namespace MeshCA.Ca.Issuance;

/// <summary>Whom a certificate is for. Decides which SPIFFE IDs it may bear.</summary>
public enum IssuanceKind
{
    /// <summary>A workload, by an entry.</summary>
    Workload,

    /// <summary>A node agent: <c>/meshca/agent/…</c>.</summary>
    Agent,

    /// <summary>This server: <c>/meshca/server</c>.</summary>
    Server,

    /// <summary>Thrown away once it has shown that a new CA certificate works: <c>/meshca/proof</c>.</summary>
    Proof,

    /// <summary>A CA certificate: the trust domain's own ID.</summary>
    Authority,
}
