using System.Security.Cryptography;

namespace MeshCA.Spiffe;

/// <summary>Verifies a JWT-SVID against the JWT authorities of its own trust domain. Thread-safe.</summary>
/// <remarks>JWT-SVID section 5.</remarks>
public static class JwtSvidVerifier
{
    /// <summary>By how much clocks may differ.</summary>
    public static readonly TimeSpan Leeway = TimeSpan.FromMinutes(1);

    /// <summary>The token, if it is for <paramref name="audience"/>, good at <paramref name="now"/>, and signed by its trust domain.</summary>
    /// <exception cref="MeshCaException">Malformed: it is no JWT-SVID. Unauthenticated: the reason why it is not trusted.</exception>
    public static JwtSvid Verify(
        string token,
        string audience,
        IReadOnlyCollection<TrustBundle> bundles,
        DateTimeOffset now
    )
    {
        // 1. What the token says of itself.
        var svid = JwtSvid.Parse(token);
        if (!svid.Audiences.Contains(audience, StringComparer.Ordinal))
        {
            throw Untrusted(svid, $"it is not for the audience '{ErrorText.Cut(audience)}'");
        }

        if (now - Leeway >= svid.ExpiresAt)
        {
            throw Untrusted(svid, $"it has expired at {svid.ExpiresAt:u}");
        }

        if (svid.NotBefore > now + Leeway || svid.IssuedAt > now + Leeway)
        {
            throw Untrusted(svid, "it is from the future");
        }

        // 2. The key, which only the bundle of the token's own trust domain can have.
        var bundle = bundles.FirstOrDefault(b => svid.SpiffeId.IsMemberOf(b.TrustDomain));
        if (bundle is null)
        {
            throw Untrusted(svid, $"there is no trust bundle for {svid.SpiffeId.TrustDomain}");
        }

        // A token may lack 'kid'; trying one key after the other for it would be work for whoever asks.
        var authority = bundle.JwtAuthorities.FirstOrDefault(a => a.KeyId == svid.KeyId);
        if (authority is null)
        {
            throw Untrusted(svid, $"its key '{ErrorText.Cut(svid.KeyId)}' is not in the trust bundle");
        }

        // 3. The signature.
        return VerifySignature(svid, authority)
            ? svid
            : throw Untrusted(svid, $"its signature is not that of key '{ErrorText.Cut(svid.KeyId)}'");
    }

    internal static bool Allows(string? algorithm) =>
        algorithm is "RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512" or "ES256" or "ES384" or "ES512";

    private static bool VerifySignature(JwtSvid svid, JwtAuthority authority)
    {
        if (PublicKeyBounds.Check(authority.SubjectPublicKeyInfo) is not null)
        {
            return false;
        }

        var hash = svid.Algorithm[2..] switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
        try
        {
            if (svid.Algorithm[0] == 'E')
            {
                using var ec = ECDsa.Create();
                ec.ImportSubjectPublicKeyInfo(authority.SubjectPublicKeyInfo.Span, out _);

                // RFC 7518 section 3.4 binds each of the three to one curve.
                return ec.KeySize == CurveSize(svid.Algorithm)
                    && ec.VerifyData(svid.SigningInput, svid.Signature.Span, hash);
            }

            using var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(authority.SubjectPublicKeyInfo.Span, out _);
            var padding = svid.Algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
            return rsa.VerifyData(svid.SigningInput, svid.Signature.Span, hash, padding);
        }
        catch (CryptographicException)
        {
            // The key is of another kind than the algorithm, or the signature of another length.
            return false;
        }
    }

    private static int CurveSize(string algorithm) =>
        algorithm switch
        {
            "ES256" => 256,
            "ES384" => 384,
            _ => 521,
        };

    private static MeshCaException Untrusted(JwtSvid svid, string reason) =>
        new(ErrorKind.Unauthenticated, $"the JWT-SVID {svid.SpiffeId} is refused: {reason}");
}
