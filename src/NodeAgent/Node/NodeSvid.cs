using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>The agent's own identity, ready for TLS. Prints nothing of the key.</summary>
internal sealed class NodeSvid
{
    private NodeSvid(SpiffeId id, NodeState state, DateTimeOffset notAfter, SslStreamCertificateContext certificate)
    {
        SpiffeId = id;
        State = state;
        NotAfter = notAfter;
        RenewAt = RotationSchedule.RenewAt(state.IssuedAt, notAfter, state.Chain[0].Span);
        Certificate = certificate;
    }

    public SpiffeId SpiffeId { get; }

    public NodeState State { get; }

    public DateTimeOffset NotAfter { get; }

    public DateTimeOffset RenewAt { get; }

    public SslStreamCertificateContext Certificate { get; }

    /// <summary>Checks what the server answered or the disk gave: it chains to the bundle, is for an agent, and its key is ours.</summary>
    /// <exception cref="MeshCaException">It cannot be used; says why.</exception>
    public static NodeSvid Open(NodeState state, DateTimeOffset now)
    {
        if (state.Bundle is null || state.Chain.IsEmpty)
        {
            throw new MeshCaException(ErrorKind.Unauthenticated, "the node has no X509-SVID");
        }

        var id = X509SvidVerifier.Verify(state.Chain, [state.Bundle], now);
        if (id.TrustDomain != state.TrustDomain || !ReservedIds.IsAgent(id))
        {
            throw new MeshCaException(ErrorKind.Unauthenticated, $"{id} is not the SPIFFE ID of an agent");
        }

        try
        {
            return new(id, state, CertificateFields.Read(state.Chain[0]).NotAfter, ToCertificateContext(state));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new MeshCaException(
                ErrorKind.Unauthenticated,
                "the node's X509-SVID and its key do not belong together",
                e
            );
        }
    }

    public override string ToString() => SpiffeId.ToString();

    private static SslStreamCertificateContext ToCertificateContext(NodeState state)
    {
        using var leaf = X509CertificateLoader.LoadCertificate(state.Chain[0].Span);
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(state.Key.Span, out _);
        var intermediates = new X509Certificate2Collection();
        foreach (var der in state.Chain.AsSpan()[1..])
        {
            intermediates.Add(X509CertificateLoader.LoadCertificate(der.Span));
        }

        // Offline: exactly this chain is sent, nothing is fetched.
        return SslStreamCertificateContext.Create(leaf.CopyWithPrivateKey(key), intermediates, offline: true);
    }
}
