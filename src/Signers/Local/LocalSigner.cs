using System.Security.Cryptography;
using MeshCA.Spiffe;

namespace MeshCA.Signers.Local;

/// <summary>Signs with a key that is in this process, at once.</summary>
public abstract class LocalSigner : ISigner
{
    private readonly LocalKey _key;

    private protected LocalSigner(string name, LocalKey key)
    {
        _key = key;
        Name = name;
        KeyId = Convert.ToHexStringLower(SHA256.HashData(key.SubjectPublicKeyInfo.Span));
    }

    public string Name { get; }

    /// <summary>SHA-256 of the public half, lower-case hex.</summary>
    public string KeyId { get; }

    public KeyType KeyType => _key.KeyType;

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo => _key.SubjectPublicKeyInfo;

    public ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> digest, SignatureScheme scheme, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (SignatureSchemes.IsRsa(scheme) != SignatureSchemes.IsRsa(KeyType))
        {
            throw Refused($"its {KeyType} key cannot make a signature of scheme {scheme}");
        }

        if (digest.Length != SignatureSchemes.DigestLength(scheme))
        {
            throw Refused($"a digest for {scheme} does not have {digest.Length} bytes");
        }

        try
        {
            return new(_key.Sign(digest.Span, scheme));
        }
        catch (ObjectDisposedException e)
        {
            throw new MeshCaException(ErrorKind.Unavailable, $"signer {Name} is closed", e);
        }
    }

    public ValueTask<SignerHealth> CheckHealthAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return new(SignerHealth.Ok);
    }

    public ValueTask DisposeAsync()
    {
        _key.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"{Name} ({KeyType}, {KeyId})";

    private MeshCaException Refused(string why) => new(ErrorKind.Malformed, $"signer {Name} refuses to sign: {why}");
}
