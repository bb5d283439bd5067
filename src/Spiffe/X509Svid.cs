using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;

namespace MeshCA.Spiffe;

/// <summary>A workload's certificate chain and private key. Immutable; it prints no key.</summary>
public sealed class X509Svid
{
    private X509Svid(
        SpiffeId spiffeId,
        CertificateFields leaf,
        ImmutableArray<ReadOnlyMemory<byte>> chain,
        ReadOnlyMemory<byte> privateKeyPkcs8
    )
    {
        SpiffeId = spiffeId;
        Chain = chain;
        PrivateKeyPkcs8 = privateKeyPkcs8;
        NotBefore = leaf.NotBefore;
        NotAfter = leaf.NotAfter;
        SerialNumber = leaf.SerialNumber;
    }

    public SpiffeId SpiffeId { get; }

    /// <summary>DER, the leaf first, then the intermediates; never the root.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Chain { get; }

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public ReadOnlyMemory<byte> PrivateKeyPkcs8 { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>The leaf's, lower-case hex.</summary>
    public string SerialNumber { get; }

    /// <summary>
    /// Checks that the leaf is an X509-SVID and that the key is its key: Envoy answers a pair that does not match with a
    /// NACK that quotes the key. Whether the chain leads to a trusted root is <see cref="X509SvidVerifier"/>'s question.
    /// </summary>
    /// <exception cref="MeshCaException">Malformed: why it is not an X509-SVID.</exception>
    public static X509Svid Create(ImmutableArray<ReadOnlyMemory<byte>> chain, ReadOnlyMemory<byte> privateKeyPkcs8)
    {
        if (chain.IsDefaultOrEmpty)
        {
            throw new MeshCaException(ErrorKind.Malformed, "the X509-SVID has no certificate");
        }

        var leaf = CertificateFields.Read(chain[0]);
        if (X509SvidVerifier.CheckLeaf(leaf, out var id) is { } error)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"the certificate is not an X509-SVID: {error}");
        }

        if (!ExportPublicKey(privateKeyPkcs8.Span).AsSpan().SequenceEqual(leaf.SubjectPublicKeyInfo.Span))
        {
            throw new MeshCaException(ErrorKind.Malformed, $"the private key is not the one of the X509-SVID {id}");
        }

        return new(id, leaf, chain, privateKeyPkcs8);
    }

    public override string ToString() => $"X509-SVID {SpiffeId}, serial {SerialNumber}, until {NotAfter:u}";

    private static byte[] ExportPublicKey(ReadOnlySpan<byte> pkcs8)
    {
        try
        {
            using var ec = ECDsa.Create();
            ec.ImportPkcs8PrivateKey(pkcs8, out var read);
            return read == pkcs8.Length ? ec.ExportSubjectPublicKeyInfo() : [];
        }
        catch (CryptographicException)
        {
            // Not EC: RSA is the other kind that there is.
        }

        try
        {
            using var rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(pkcs8, out var read);
            return read == pkcs8.Length ? rsa.ExportSubjectPublicKeyInfo() : [];
        }
        catch (CryptographicException)
        {
            throw new MeshCaException(ErrorKind.Malformed, "the private key is not PKCS#8 of an EC or RSA key");
        }
    }
}
