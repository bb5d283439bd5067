using System.Formats.Asn1;
using System.Security.Cryptography;

namespace MeshCA.Signers;

/// <summary>What is to be known about a <see cref="SignatureScheme"/>.</summary>
public static class SignatureSchemes
{
    private static readonly byte[] _ecdsaSha256 = Encode("1.2.840.10045.4.3.2", isRsa: false);
    private static readonly byte[] _ecdsaSha384 = Encode("1.2.840.10045.4.3.3", isRsa: false);
    private static readonly byte[] _rsaSha256 = Encode("1.2.840.113549.1.1.11", isRsa: true);
    private static readonly byte[] _rsaSha384 = Encode("1.2.840.113549.1.1.12", isRsa: true);

    /// <summary>How a key of this type signs certificates: with the hash that is as strong as the key.</summary>
    public static SignatureScheme DefaultFor(KeyType keyType) =>
        keyType switch
        {
            KeyType.EcP256 => SignatureScheme.EcdsaSha256,
            KeyType.EcP384 => SignatureScheme.EcdsaSha384,
            KeyType.Rsa2048 or KeyType.Rsa3072 or KeyType.Rsa4096 => SignatureScheme.RsaPkcs1Sha256,
            _ => throw new ArgumentOutOfRangeException(nameof(keyType), keyType, message: null),
        };

    public static bool IsRsa(KeyType keyType) => keyType is KeyType.Rsa2048 or KeyType.Rsa3072 or KeyType.Rsa4096;

    public static bool IsRsa(SignatureScheme scheme) =>
        scheme is SignatureScheme.RsaPkcs1Sha256 or SignatureScheme.RsaPkcs1Sha384;

    public static HashAlgorithmName HashOf(SignatureScheme scheme) =>
        scheme is SignatureScheme.EcdsaSha256 or SignatureScheme.RsaPkcs1Sha256
            ? HashAlgorithmName.SHA256
            : HashAlgorithmName.SHA384;

    /// <summary>The length in bytes of the digest that is signed.</summary>
    public static int DigestLength(SignatureScheme scheme) =>
        scheme is SignatureScheme.EcdsaSha256 or SignatureScheme.RsaPkcs1Sha256
            ? SHA256.HashSizeInBytes
            : SHA384.HashSizeInBytes;

    /// <summary>The digest that is signed.</summary>
    public static byte[] Digest(SignatureScheme scheme, ReadOnlySpan<byte> data) =>
        HashOf(scheme) == HashAlgorithmName.SHA256 ? SHA256.HashData(data) : SHA384.HashData(data);

    /// <summary>The same into a span; returns its length.</summary>
    public static int Digest(SignatureScheme scheme, ReadOnlySpan<byte> data, Span<byte> digest) =>
        DigestLength(scheme) == SHA256.HashSizeInBytes ? SHA256.HashData(data, digest) : SHA384.HashData(data, digest);

    /// <summary>The AlgorithmIdentifier in DER, as certificates have it.</summary>
    public static ReadOnlyMemory<byte> AlgorithmIdentifier(SignatureScheme scheme) =>
        scheme switch
        {
            SignatureScheme.EcdsaSha256 => _ecdsaSha256,
            SignatureScheme.EcdsaSha384 => _ecdsaSha384,
            SignatureScheme.RsaPkcs1Sha256 => _rsaSha256,
            SignatureScheme.RsaPkcs1Sha384 => _rsaSha384,
            _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, message: null),
        };

    /// <summary>Whether <paramref name="signature"/> over <paramref name="data"/> was made with the private half of the key.</summary>
    public static bool Verify(
        ReadOnlySpan<byte> subjectPublicKeyInfo,
        SignatureScheme scheme,
        ReadOnlySpan<byte> data,
        ReadOnlySpan<byte> signature
    )
    {
        if (IsRsa(scheme))
        {
            using var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            return rsa.VerifyData(data, signature, HashOf(scheme), RSASignaturePadding.Pkcs1);
        }

        using var ec = ECDsa.Create();
        ec.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
        return ec.VerifyData(data, signature, HashOf(scheme), DSASignatureFormat.Rfc3279DerSequence);
    }

    /// <summary>RFC 5758 section 3.2: no parameters with ECDSA; RFC 4055 section 5: NULL with RSA.</summary>
    private static byte[] Encode(string oid, bool isRsa)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            if (isRsa)
            {
                writer.WriteNull();
            }
        }

        return writer.Encode();
    }
}
