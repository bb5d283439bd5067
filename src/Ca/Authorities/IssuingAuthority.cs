using System.Collections.Immutable;
using MeshCA.Signers;

namespace MeshCA.Ca.Authorities;

/// <summary>Who signs leaves now: a proved CA certificate and its key. Immutable; swapped whole.</summary>
public sealed class IssuingAuthority
{
    /// <summary>Lower-case hex of the subject key identifier.</summary>
    public required string Id { get; init; }

    public required ISigner Signer { get; init; }

    /// <summary>How <see cref="Signer"/> signs leaves.</summary>
    public required SignatureScheme Scheme { get; init; }

    /// <summary>The CA certificate, DER.</summary>
    public required ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>Its subject, DER Name: the issuer of every leaf.</summary>
    public required ReadOnlyMemory<byte> SubjectName { get; init; }

    /// <summary>The value of its subject key identifier, without the OCTET STRING header.</summary>
    public required ReadOnlyMemory<byte> SubjectKeyIdentifier { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    /// <summary>No leaf outlives it.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>What follows the leaf in a chain, issuer of the leaf first; empty when the root signs leaves.</summary>
    public required ImmutableArray<ReadOnlyMemory<byte>> Intermediates { get; init; }
}
