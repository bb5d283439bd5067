using System.Collections.Concurrent;
using System.Security.Cryptography;
using MeshCA.Signers.Crypto;
using MeshCA.Spiffe;

namespace MeshCA.Signers.Local;

/// <summary>A private key in this process. Safe for concurrent use.</summary>
internal sealed class LocalKey : IDisposable
{
    private const string NistP256 = "1.2.840.10045.3.1.7";
    private const string NistP384 = "1.3.132.0.34";

    private readonly byte[] _pkcs8;

    /// <summary>Signs with P-256 where libcrypto does it directly; else null.</summary>
    private readonly P256PrivateKey? _native;

    /// <summary>ECDsa and RSA objects are not safe for concurrent use, so each signature has one to itself.</summary>
    private readonly ConcurrentBag<AsymmetricAlgorithm> _idle = [];
    private volatile bool _disposed;

    private LocalKey(AsymmetricAlgorithm key, KeyType keyType)
    {
        _pkcs8 = key.ExportPkcs8PrivateKey();
        _idle.Add(key);
        KeyType = keyType;
        SubjectPublicKeyInfo = key.ExportSubjectPublicKeyInfo();
        if (keyType == KeyType.EcP256 && P256.IsNative)
        {
            _native = new(((ECDsa)key).ExportParameters(includePrivateParameters: true));
        }
    }

    public KeyType KeyType { get; }

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    public static LocalKey Generate(KeyType keyType) =>
        new(
            keyType switch
            {
                KeyType.EcP256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
                KeyType.EcP384 => ECDsa.Create(ECCurve.NamedCurves.nistP384),
                KeyType.Rsa2048 => RSA.Create(2048),
                KeyType.Rsa3072 => RSA.Create(3072),
                KeyType.Rsa4096 => RSA.Create(4096),
                _ => throw new ArgumentOutOfRangeException(nameof(keyType), keyType, message: null),
            },
            keyType
        );

    /// <summary>Takes the key over, also where it throws.</summary>
    /// <exception cref="MeshCaException">Malformed: it is a kind of key that no authority may have.</exception>
    public static LocalKey Adopt(AsymmetricAlgorithm key)
    {
        try
        {
            return new(key, TypeOf(key));
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>PKCS#8 in DER; the caller wipes it.</summary>
    public byte[] Export() => [.. _pkcs8];

    /// <summary>The same, encrypted.</summary>
    public byte[] Export(ReadOnlySpan<char> passphrase, PbeParameters encryption)
    {
        using var key = Create(_pkcs8, SignatureSchemes.IsRsa(KeyType));
        return key.ExportEncryptedPkcs8PrivateKey(passphrase, encryption);
    }

    /// <summary>As <see cref="ISigner.SignAsync"/>.</summary>
    public byte[] Sign(ReadOnlySpan<byte> digest, SignatureScheme scheme)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_native is not null)
        {
            return _native.Sign(digest);
        }

        if (!_idle.TryTake(out var key))
        {
            key = Create(_pkcs8, SignatureSchemes.IsRsa(KeyType));
        }

        try
        {
            return key is ECDsa ec
                ? ec.SignHash(digest, DSASignatureFormat.Rfc3279DerSequence)
                : ((RSA)key).SignHash(digest, SignatureSchemes.HashOf(scheme), RSASignaturePadding.Pkcs1);
        }
        finally
        {
            _idle.Add(key);
            if (_disposed)
            {
                DisposeIdle();
            }
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _native?.Dispose();
        CryptographicOperations.ZeroMemory(_pkcs8);
        DisposeIdle();
    }

    private static AsymmetricAlgorithm Create(ReadOnlySpan<byte> pkcs8, bool isRsa)
    {
        AsymmetricAlgorithm key = isRsa ? RSA.Create() : ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(pkcs8, out _);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static KeyType TypeOf(AsymmetricAlgorithm key) =>
        key switch
        {
            ECDsa ec => ec.ExportParameters(includePrivateParameters: false).Curve.Oid.Value switch
            {
                NistP256 => KeyType.EcP256,
                NistP384 => KeyType.EcP384,
                var curve => throw Unsupported($"an EC key of curve {curve}"),
            },
            { KeySize: 2048 } => KeyType.Rsa2048,
            { KeySize: 3072 } => KeyType.Rsa3072,
            { KeySize: 4096 } => KeyType.Rsa4096,
            _ => throw Unsupported($"an RSA key of {key.KeySize} bits"),
        };

    private static MeshCaException Unsupported(string what) =>
        new(
            ErrorKind.Malformed,
            $"{what} cannot be a CA key; use EC P-256 or P-384, or RSA of 2048, 3072 or 4096 bits"
        );

    private void DisposeIdle()
    {
        while (_idle.TryTake(out var key))
        {
            key.Dispose();
        }
    }
}
