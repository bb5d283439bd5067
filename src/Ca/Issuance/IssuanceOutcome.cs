using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>The answer to one <see cref="IssuanceOrder"/>: a certificate that is in the ledger, or why not.</summary>
public readonly struct IssuanceOutcome
{
    private IssuanceOutcome(
        byte[]? certificate,
        ImmutableArray<ReadOnlyMemory<byte>> intermediates,
        DateTimeOffset issuedAt,
        MeshCaException? error
    ) => (Certificate, Intermediates, IssuedAt, Error) = (certificate, intermediates, issuedAt, error);

    /// <summary>The leaf, DER; null when <see cref="Error"/> says why.</summary>
    public byte[]? Certificate { get; }

    /// <summary>Behind the leaf, its issuer first, DER, never the root: the same for all of one batch. Empty if the root issues.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Intermediates { get; }

    /// <summary>The renewal schedule counts from here.</summary>
    public DateTimeOffset IssuedAt { get; }

    public MeshCaException? Error { get; }

    public static IssuanceOutcome Issued(
        byte[] certificate,
        ImmutableArray<ReadOnlyMemory<byte>> intermediates,
        DateTimeOffset issuedAt
    ) => new(certificate, intermediates, issuedAt, null);

    public static IssuanceOutcome Refused(MeshCaException error) => new(null, [], default, error);
}
