using System.Runtime.InteropServices;
using MeshCA.Ca.Authorities;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>When a certificate is valid, exact to the second, and when it was issued.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Validity(DateTimeOffset NotBefore, DateTimeOffset NotAfter, DateTimeOffset IssuedAt)
{
    /// <summary>For verifiers whose clock is late.</summary>
    public static readonly TimeSpan Backdating = TimeSpan.FromMinutes(2);

    /// <summary>A leaf's: from its issue to the end of its TTL, within its issuer's.</summary>
    public static Validity OfLeaf(DateTimeOffset issuedAt, TimeSpan ttl, IssuingAuthority issuer)
    {
        var notAfter = Seconds(issuedAt + ttl);
        if (notAfter > issuer.NotAfter)
        {
            notAfter = issuer.NotAfter;
        }

        if (notAfter <= issuedAt)
        {
            throw new MeshCaException(
                ErrorKind.Unavailable,
                $"the issuing authority {issuer.Id} ends at {issuer.NotAfter:u}; a new one is needed"
            );
        }

        var notBefore = issuedAt - Backdating;
        return new(notBefore < issuer.NotBefore ? issuer.NotBefore : notBefore, notAfter, issuedAt);
    }

    /// <summary>Without the fraction, which no certificate can hold.</summary>
    public static DateTimeOffset Seconds(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
