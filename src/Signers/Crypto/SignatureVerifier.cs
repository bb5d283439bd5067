using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using MeshCA.Spiffe;

namespace MeshCA.Signers.Crypto;

/// <summary>A public key, EC P-256 or P-384 or RSA, that verifies signatures of digests. Safe for concurrent use.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Keys free themselves with the last reference to the verifier.")]
public sealed class SignatureVerifier
{
    /// <summary>All that precedes the point of a P-256 key in DER, RFC 5480 section 2.</summary>
    private static readonly byte[] _p256Prefix = Convert.FromHexString(
        "3059301306072A8648CE3D020106082A8648CE3D030107034200"
    );

    private static readonly byte[] _p384Prefix = Convert.FromHexString(
        "3076301006072A8648CE3D020106052B81040022036200"
    );

    private readonly P256PublicKey? _p256;
    private readonly byte[] _subjectPublicKeyInfo;
    private readonly ConcurrentBag<AsymmetricAlgorithm> _idle = [];

    /// <summary>Takes DER SubjectPublicKeyInfo; the caller has bounded the size of an RSA key.</summary>
    /// <exception cref="MeshCaException">Malformed: no such key, or bytes that another encoder would not write.</exception>
    public SignatureVerifier(ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        _subjectPublicKeyInfo = subjectPublicKeyInfo.ToArray();
        try
        {
            if (TryGetP256Point(subjectPublicKeyInfo.Span, out var point))
            {
                _p256 = new(point, P256.IsNative);
                KeyType = Signers.KeyType.EcP256;
                return;
            }

            var key = Import();
            var canonical = key.ExportSubjectPublicKeyInfo();
            KeyType = key switch
            {
                ECDsa => Signers.KeyType.EcP384,
                { KeySize: 2048 } => Signers.KeyType.Rsa2048,
                { KeySize: 3072 } => Signers.KeyType.Rsa3072,
                { KeySize: 4096 } => Signers.KeyType.Rsa4096,
                _ => null,
            };
            IsRsa = key is RSA;
            _idle.Add(key);
            if (!canonical.AsSpan().SequenceEqual(_subjectPublicKeyInfo))
            {
                throw new CryptographicException("its encoding is not the canonical one");
            }
        }
        catch (CryptographicException e)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"the public key is not usable: {e.Message}", e);
        }
    }

    /// <summary>Null: an RSA key of another size than those that authorities have.</summary>
    public KeyType? KeyType { get; }

    public bool IsRsa { get; }

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo => _subjectPublicKeyInfo;

    /// <summary>True for a P-256 key in the one encoding that is used: a named curve and an uncompressed point.</summary>
    public static bool TryGetP256Point(ReadOnlySpan<byte> subjectPublicKeyInfo, out ReadOnlySpan<byte> point)
    {
        var found =
            subjectPublicKeyInfo.Length == _p256Prefix.Length + P256.PointLength
            && subjectPublicKeyInfo.StartsWith(_p256Prefix);
        point = found ? subjectPublicKeyInfo[_p256Prefix.Length..] : default;
        return found;
    }

    /// <summary>Whether the signature is this key's for the digest; an RSA one with PKCS#1 v1.5 padding.</summary>
    public bool Verify(ReadOnlySpan<byte> digest, HashAlgorithmName hash, ReadOnlySpan<byte> signature)
    {
        if (_p256 is not null)
        {
            return _p256.Verify(digest, signature);
        }

        // One thread at a time for each key object: .NET does not promise more.
        if (!_idle.TryTake(out var key))
        {
            key = Import();
        }

        try
        {
            return key is RSA rsa
                ? rsa.VerifyHash(digest, signature, hash, RSASignaturePadding.Pkcs1)
                : ((ECDsa)key).VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            _idle.Add(key);
        }
    }

    private AsymmetricAlgorithm Import()
    {
        var key = _subjectPublicKeyInfo.AsSpan().StartsWith(_p384Prefix)
            ? ECDsa.Create()
            : (AsymmetricAlgorithm)RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(_subjectPublicKeyInfo, out _);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
