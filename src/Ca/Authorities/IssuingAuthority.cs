using System.Collections.Immutable;
using System.Security.Cryptography;
using MeshCA.Ca.Issuance;
using MeshCA.Signers;
using MeshCA.Signers.Crypto;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Authorities;

/// <summary>A CA certificate and the signer that has its key. Immutable.</summary>
public sealed class IssuingAuthority
{
    private readonly SignatureVerifier _verifier;

    /// <summary>The certificate was made by us and has passed the linter, or comes from our store.</summary>
    /// <exception cref="MeshCaException">FailedPrecondition: the certificate's key is not the signer's.</exception>
    internal IssuingAuthority(
        ISigner signer,
        ReadOnlyMemory<byte> certificate,
        TrustDomain trustDomain,
        DateTimeOffset issuedAt,
        IssuingAuthority? issuer
    )
    {
        Signer = signer;
        Certificate = certificate;
        TrustDomain = trustDomain;
        IssuedAt = issuedAt;
        Root = issuer?.Root ?? this;
        Scheme = SignatureSchemes.DefaultFor(signer.KeyType);
        SignatureAlgorithm = SignatureSchemes.AlgorithmIdentifier(Scheme);
        Intermediates = issuer is null ? [] : [certificate, .. issuer.Intermediates];
        var fields = CertificateFields.Read(certificate);
        if (!fields.SubjectPublicKeyInfo.Span.SequenceEqual(signer.SubjectPublicKeyInfo.Span))
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"signer '{signer.Name}': its key is not that of the CA certificate with serial number {fields.SerialNumber}"
            );
        }

        Subject = fields.Subject;
        NotBefore = fields.NotBefore;
        NotAfter = fields.NotAfter;
        var identifier = new byte[CertificateDer.KeyIdentifierLength];
        CertificateDer.KeyIdentifier(fields.SubjectPublicKeyInfo.Span, identifier);
        KeyIdentifier = identifier;
        Id = Convert.ToHexStringLower(identifier);
        _verifier = new(signer.SubjectPublicKeyInfo);
    }

    /// <summary>The subject key identifier, lower-case hex.</summary>
    public string Id { get; }

    public TrustDomain TrustDomain { get; }

    /// <summary>DER.</summary>
    public ReadOnlyMemory<byte> Certificate { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    public DateTimeOffset IssuedAt { get; }

    /// <summary>What follows a leaf that it signs: itself and what is above it, never the root.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Intermediates { get; }

    /// <summary>The root that it chains to; itself if it is one.</summary>
    public IssuingAuthority Root { get; }

    internal ISigner Signer { get; }

    internal SignatureScheme Scheme { get; }

    internal int DigestLength => SignatureSchemes.DigestLength(Scheme);

    /// <summary>DER of the signature's AlgorithmIdentifier.</summary>
    internal ReadOnlyMemory<byte> SignatureAlgorithm { get; }

    /// <summary>DER of its name, the issuer of what it signs.</summary>
    internal ReadOnlyMemory<byte> Subject { get; }

    internal ReadOnlyMemory<byte> KeyIdentifier { get; }

    public override string ToString() => $"authority {Id} of {TrustDomain}, until {NotAfter:u}";

    /// <summary>Whether the signature over <paramref name="signed"/> is this authority's.</summary>
    internal bool Verify(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> digest = stackalloc byte[SHA384.HashSizeInBytes];
        var length = SignatureSchemes.Digest(Scheme, signed, digest);
        return _verifier.Verify(digest[..length], SignatureSchemes.HashOf(Scheme), signature);
    }
}
