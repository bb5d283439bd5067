using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>The answer to one <see cref="IssuanceOrder"/>: a certificate that is in the ledger, or why not.</summary>
public readonly struct IssuanceOutcome
{
    private IssuanceOutcome(byte[]? certificate, DateTimeOffset issuedAt, MeshCaException? error) =>
        (Certificate, IssuedAt, Error) = (certificate, issuedAt, error);

    /// <summary>The leaf, DER; null when <see cref="Error"/> says why.</summary>
    public byte[]? Certificate { get; }

    /// <summary>The renewal schedule counts from here.</summary>
    public DateTimeOffset IssuedAt { get; }

    public MeshCaException? Error { get; }

    public static IssuanceOutcome Issued(byte[] certificate, DateTimeOffset issuedAt) =>
        new(certificate, issuedAt, null);

    public static IssuanceOutcome Refused(MeshCaException error) => new(null, default, error);
}
