using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshCA.Spiffe;

/// <summary>What is trusted to vouch for the identities of one trust domain. Immutable; equal by content.</summary>
/// <remarks>SPIFFE_Trust_Domain_and_Bundle section 4.</remarks>
public sealed class TrustBundle : IEquatable<TrustBundle>
{
    private X509Certificate2Collection? _roots;

    public TrustBundle(
        TrustDomain trustDomain,
        ImmutableArray<ReadOnlyMemory<byte>> x509Authorities,
        ImmutableArray<JwtAuthority> jwtAuthorities = default,
        ulong? sequenceNumber = null,
        TimeSpan? refreshHint = null
    )
    {
        TrustDomain = trustDomain;
        X509Authorities = x509Authorities.IsDefault ? [] : Distinct(x509Authorities);
        JwtAuthorities = jwtAuthorities.IsDefault ? [] : jwtAuthorities;
        SequenceNumber = sequenceNumber;
        RefreshHint = refreshHint;
    }

    public TrustDomain TrustDomain { get; }

    /// <summary>Root certificates, DER, in the order in which they were published, none of them twice.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> X509Authorities { get; }

    public ImmutableArray<JwtAuthority> JwtAuthorities { get; }

    /// <summary>Grows by one with each change of content; null where the publisher gives none.</summary>
    public ulong? SequenceNumber { get; }

    public TimeSpan? RefreshHint { get; }

    /// <summary>
    /// The X.509 authorities, parsed once: that costs 0.1 ms each, and every TLS handshake needs them. They live as long
    /// as the bundle; nobody else disposes of them.
    /// </summary>
    internal X509Certificate2Collection Roots => _roots ?? LoadRoots();

    /// <summary>Reads a bundle of X.509 authorities only.</summary>
    /// <exception cref="MeshCaException">Malformed: not PEM, or one of the certificates cannot be an authority.</exception>
    public static TrustBundle ParsePem(TrustDomain trustDomain, ReadOnlySpan<char> pem)
    {
        var authorities = Pem.DecodeCertificates(pem);
        for (var i = 0; i < authorities.Length; i++)
        {
            if (CheckAuthority(authorities[i]) is { } error)
            {
                throw new MeshCaException(
                    ErrorKind.Malformed,
                    $"the PEM text: certificate {i + 1} cannot be an authority of {trustDomain}: {error}"
                );
            }
        }

        return new(trustDomain, authorities);
    }

    /// <summary>The X.509 authorities as PEM; empty where there is none.</summary>
    public string ToPem() => Pem.EncodeCertificates(X509Authorities);

    public bool Equals(TrustBundle? other) =>
        other is not null
        && TrustDomain == other.TrustDomain
        && SequenceNumber == other.SequenceNumber
        && RefreshHint == other.RefreshHint
        && X509Authorities.AsSpan().SequenceEqual(other.X509Authorities.AsSpan(), SameBytes.Comparer)
        && JwtAuthorities.AsSpan().SequenceEqual(other.JwtAuthorities.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as TrustBundle);

    public override int GetHashCode() => HashCode.Combine(TrustDomain, SequenceNumber, X509Authorities.Length);

    public override string ToString() =>
        $"{TrustDomain}: {X509Authorities.Length} X.509 and {JwtAuthorities.Length} JWT authorities";

    /// <summary>Says why a certificate cannot be an X.509 authority (X509-SVID sections 4.1 to 4.3), or null.</summary>
    internal static string? CheckAuthority(ReadOnlyMemory<byte> der)
    {
        try
        {
            var fields = CertificateFields.Read(der);
            if (!fields.IsCa)
            {
                return "it is not a CA certificate";
            }

            if (fields.KeyUsage is { } usage && !usage.HasFlag(X509KeyUsageFlags.KeyCertSign))
            {
                return "its key usage does not allow it to sign certificates";
            }

            return PublicKeyBounds.Check(fields.SubjectPublicKeyInfo);
        }
        catch (MeshCaException e)
        {
            return e.Message;
        }
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The bundle keeps them.")]
    private X509Certificate2Collection LoadRoots()
    {
        var roots = new X509Certificate2Collection();
        foreach (var authority in X509Authorities)
        {
            try
            {
                roots.Add(X509CertificateLoader.LoadCertificate(authority.Span));
            }
            catch (CryptographicException e)
            {
                throw new MeshCaException(
                    ErrorKind.Malformed,
                    $"the trust bundle of {TrustDomain} has an X.509 authority that is not a certificate",
                    e
                );
            }
        }

        // Two threads may both come here first: they make equal collections, and all keep the one that is stored.
        return Interlocked.CompareExchange(ref _roots, roots, null) ?? roots;
    }

    private static ImmutableArray<ReadOnlyMemory<byte>> Distinct(ImmutableArray<ReadOnlyMemory<byte>> authorities) =>
        authorities.Length < 2 ? authorities : [.. authorities.Distinct(SameBytes.Comparer)];

    private sealed class SameBytes : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public static readonly SameBytes Comparer = new();

        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<byte> obj)
        {
            var hash = new HashCode();
            hash.AddBytes(obj.Span);
            return hash.ToHashCode();
        }
    }
}
