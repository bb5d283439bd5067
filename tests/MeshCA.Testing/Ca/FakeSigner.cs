using System.Security.Cryptography;
using MeshCA.Signers;

namespace MeshCA.Testing.Ca;

/// <summary>A P-256 signer in memory that can be made slow, broken or wrong, and counts.</summary>
public sealed class FakeSigner : ISigner
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Lock _gate = new();
    private int _signatures;

    public FakeSigner() => SubjectPublicKeyInfo = _key.ExportSubjectPublicKeyInfo();

    public string Name => "fake";

    public string KeyId => "fake-key";

    public KeyType KeyType => KeyType.EcP256;

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    public int Signatures => _signatures;

    /// <summary>Runs before each signature.</summary>
    public Func<CancellationToken, Task>? Before { get; set; }

    /// <summary>Changes what is answered.</summary>
    public Func<byte[], byte[]>? Tamper { get; set; }

    public async ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> digest, SignatureScheme scheme, CancellationToken ct)
    {
        Interlocked.Increment(ref _signatures);
        if (Before is { } before)
        {
            await before(ct);
        }

        var signature = Sign(digest.Span);
        return Tamper?.Invoke(signature) ?? signature;
    }

    public ValueTask<SignerHealth> CheckHealthAsync(CancellationToken ct) => new(SignerHealth.Ok);

    /// <summary>For tests that misuse the key.</summary>
    public ECDsa Key => _key;

    internal byte[] Sign(ReadOnlySpan<byte> digest)
    {
        lock (_gate)
        {
            return _key.SignHash(digest, DSASignatureFormat.Rfc3279DerSequence);
        }
    }

    public ValueTask DisposeAsync()
    {
        _key.Dispose();
        return ValueTask.CompletedTask;
    }
}
