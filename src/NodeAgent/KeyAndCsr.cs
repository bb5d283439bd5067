using System.Formats.Asn1;
using System.Security.Cryptography;

namespace MeshCA.NodeAgent;

/// <summary>A new P-256 key with a certificate signing request that names nothing. Prints nothing.</summary>
/// <remarks>
/// Put together from fixed DER prefixes: everything but the point, the scalar and the signature is the same for each, and
/// the server takes only the public key and the proof of possession from it.
/// </remarks>
internal sealed class KeyAndCsr
{
    private const int FieldLength = 32;
    private const int PointLength = 2 * FieldLength;

    // PrivateKeyInfo (RFC 5208) up to the scalar of its ECPrivateKey (RFC 5915), then [1] and the point's prefix.
    private static readonly byte[] _pkcs8Head = Convert.FromHexString(
        "308187020100301306072A8648CE3D020106082A8648CE3D030107046D306B0201010420"
    );
    private static readonly byte[] _pkcs8Point = Convert.FromHexString("A14403420004");

    // SubjectPublicKeyInfo (RFC 5480) up to the point.
    private static readonly byte[] _spkiHead = Convert.FromHexString(
        "3059301306072A8648CE3D020106082A8648CE3D03010703420004"
    );

    // CertificationRequestInfo (RFC 2986): version 0, empty subject, the key, no attributes.
    private static readonly byte[] _infoHead = Convert.FromHexString("30620201003000");
    private static readonly byte[] _infoTail = Convert.FromHexString("A000");

    private KeyAndCsr(byte[] pkcs8, byte[] subjectPublicKeyInfo, byte[] csr)
    {
        Pkcs8 = pkcs8;
        SubjectPublicKeyInfo = subjectPublicKeyInfo;
        Csr = csr;
    }

    public byte[] Pkcs8 { get; }

    public byte[] SubjectPublicKeyInfo { get; }

    public byte[] Csr { get; }

    public static KeyAndCsr Generate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Of(key);
    }

    /// <summary>For a key that was stored.</summary>
    /// <exception cref="CryptographicException">It is no P-256 key.</exception>
    public static KeyAndCsr FromPkcs8(ReadOnlySpan<byte> pkcs8)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        return key.KeySize == FieldLength * 8 ? Of(key) : throw new CryptographicException("the key is not P-256");
    }

    public override string ToString() => "...";

    private static KeyAndCsr Of(ECDsa key)
    {
        var parameters = key.ExportParameters(includePrivateParameters: true);
        Span<byte> point = stackalloc byte[PointLength];
        parameters.Q.X.CopyTo(point);
        parameters.Q.Y.CopyTo(point[FieldLength..]);
        byte[] pkcs8 = [.. _pkcs8Head, .. parameters.D!, .. _pkcs8Point, .. point];
        CryptographicOperations.ZeroMemory(parameters.D);

        byte[] spki = [.. _spkiHead, .. point];
        byte[] info = [.. _infoHead, .. spki, .. _infoTail];
        var signature = key.SignData(info, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

        var csr = new AsnWriter(AsnEncodingRules.DER, initialCapacity: 256);
        using (csr.PushSequence())
        {
            csr.WriteEncodedValue(info);
            using (csr.PushSequence())
            {
                // ecdsa-with-SHA256, RFC 5758.
                csr.WriteObjectIdentifier("1.2.840.10045.4.3.2");
            }

            csr.WriteBitString(signature);
        }

        return new(pkcs8, spki, csr.Encode());
    }
}
