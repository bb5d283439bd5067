using MeshCA.Spiffe;

namespace MeshCA.Sds;

/// <summary>A certificate chain with its key, PEM, as Envoy takes it. Prints nothing of the key.</summary>
public sealed class TlsIdentity
{
    public required SpiffeId SpiffeId { get; init; }

    /// <summary>Leaf first, then intermediates.</summary>
    public required ReadOnlyMemory<byte> CertificateChainPem { get; init; }

    /// <summary>PKCS#8.</summary>
    public required ReadOnlyMemory<byte> PrivateKeyPem { get; init; }

    public override string ToString() => SpiffeId.ToString();
}
