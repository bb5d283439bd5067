using System.Security.Cryptography.X509Certificates;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Authorities;

/// <summary>A CA certificate as the store keeps it. Its key is the signer's affair.</summary>
public sealed record AuthorityRecord
{
    /// <summary>The subject key identifier, lower-case hex.</summary>
    public required string Id { get; init; }

    /// <summary>The root that signed it; null = it is a root itself.</summary>
    public required string? ParentId { get; init; }

    public required AuthorityState State { get; init; }

    /// <summary>DER.</summary>
    public required ReadOnlyMemory<byte> Certificate { get; init; }

    public required string SignerName { get; init; }

    /// <summary>A key of a <c>memory</c> signer is gone with its process.</summary>
    public required string SignerKind { get; init; }

    public required DateTimeOffset IssuedAt { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public DateTimeOffset NotBefore => CertificateFields.Read(Certificate).NotBefore;

    /// <summary>As RFC 4514 writes it.</summary>
    public string Subject => new X500DistinguishedName(CertificateFields.Read(Certificate).Subject.Span).Name;

    public string ToPem() => Pem.EncodeCertificates([Certificate]);
}
