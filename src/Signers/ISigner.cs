using MeshCA.Spiffe;

namespace MeshCA.Signers;

/// <summary>An authority's private key, which never leaves the place that keeps it: memory, a file, an HSM, a cloud KMS.</summary>
/// <remarks>
/// Safe for concurrent use and bounded in time. Does not retry: a failure is a <see cref="MeshCaException"/> whose
/// <see cref="MeshCaException.Kind"/> is <see cref="ErrorKind.Unavailable"/> where trying again may help.
/// </remarks>
public interface ISigner : IAsyncDisposable
{
    /// <summary>The name it has under <c>signers:</c> in the configuration.</summary>
    string Name { get; }

    /// <summary>Names the key in logs, metrics and the audit log. Carries no secret.</summary>
    string KeyId { get; }

    KeyType KeyType { get; }

    /// <summary>The public half, DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). The same for the life of the object.</summary>
    ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary>Signs a digest that the caller made with the hash of <paramref name="scheme"/>.</summary>
    /// <returns>An ECDSA signature DER-encoded (RFC 3279 section 2.2.3), an RSA one as it is.</returns>
    ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> digest, SignatureScheme scheme, CancellationToken ct);

    /// <summary>Asks the key's home whether it can be reached, without a signature.</summary>
    ValueTask<SignerHealth> CheckHealthAsync(CancellationToken ct);
}
