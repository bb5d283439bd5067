using System.Collections.Immutable;

namespace MeshCA.Spiffe;

/// <summary>What is trusted to vouch for the identities of one trust domain. Immutable; equal by content.</summary>
/// <remarks>See SPIFFE_Trust_Domain_and_Bundle section 4.</remarks>
public sealed class TrustBundle : IEquatable<TrustBundle>
{
    public TrustBundle(
        TrustDomain trustDomain,
        ImmutableArray<ReadOnlyMemory<byte>> x509Authorities,
        ImmutableArray<JwtAuthority> jwtAuthorities = default,
        ulong? sequenceNumber = null,
        TimeSpan? refreshHint = null
    )
    {
        TrustDomain = trustDomain;
        X509Authorities = x509Authorities.IsDefault ? [] : x509Authorities;
        JwtAuthorities = jwtAuthorities.IsDefault ? [] : jwtAuthorities;
        SequenceNumber = sequenceNumber;
        RefreshHint = refreshHint;
    }

    public TrustDomain TrustDomain { get; }

    /// <summary>Root certificates, DER, in the order in which they were published.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> X509Authorities { get; }

    public ImmutableArray<JwtAuthority> JwtAuthorities { get; }

    /// <summary>Grows by one with each change of content; null where the publisher gives none.</summary>
    public ulong? SequenceNumber { get; }

    public TimeSpan? RefreshHint { get; }

    public bool Equals(TrustBundle? other) =>
        other is not null
        && TrustDomain == other.TrustDomain
        && SequenceNumber == other.SequenceNumber
        && RefreshHint == other.RefreshHint
        && X509Authorities.AsSpan().SequenceEqual(other.X509Authorities.AsSpan(), SameBytes.Comparer)
        && JwtAuthorities.AsSpan().SequenceEqual(other.JwtAuthorities.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as TrustBundle);

    public override int GetHashCode() => HashCode.Combine(TrustDomain, SequenceNumber, X509Authorities.Length);

    private sealed class SameBytes : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public static readonly SameBytes Comparer = new();

        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<byte> obj) => obj.Length;
    }
}
