using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace MeshCA.Spiffe;

/// <summary>Public keys as JSON Web Keys: RSA and EC only (RFC 7518 section 6).</summary>
internal static class Jwk
{
    private const int MaxMemberLength = 2048;

    /// <summary>
    /// The SubjectPublicKeyInfo of a JWK; null for one of a kind that is not used here, which a reader of a bundle passes
    /// over (SPIFFE_Trust_Domain_and_Bundle section 4.2.1).
    /// </summary>
    /// <exception cref="FormatException">It is of a known kind, and wrong.</exception>
    public static byte[]? ReadPublicKey(JsonElement jwk)
    {
        try
        {
            switch (ReadString(jwk, "kty"))
            {
                case "RSA":
                    var parameters = new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") };
                    if (PublicKeyBounds.CheckRsa(parameters.Modulus, parameters.Exponent) is { } error)
                    {
                        throw new FormatException(error);
                    }

                    using (var rsa = RSA.Create(parameters))
                    {
                        return rsa.ExportSubjectPublicKeyInfo();
                    }

                case "EC" when Curve(ReadString(jwk, "crv")) is { } curve:
                    var point = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") };
                    using (var ec = ECDsa.Create(new ECParameters { Curve = curve, Q = point }))
                    {
                        return ec.ExportSubjectPublicKeyInfo();
                    }

                default:
                    return null;
            }
        }
        catch (CryptographicException e)
        {
            throw new FormatException("it is not a valid public key", e);
        }
    }

    /// <summary>Writes the members that tell the key: kty, and n, e or crv, x, y.</summary>
    public static void WritePublicKey(Utf8JsonWriter writer, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        try
        {
            using var ec = ECDsa.Create();
            ec.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            var parameters = ec.ExportParameters(includePrivateParameters: false);
            writer.WriteString("kty", "EC");
            writer.WriteString("crv", $"P-{ec.KeySize}");
            writer.WriteString("x", Base64Url.EncodeToString(parameters.Q.X));
            writer.WriteString("y", Base64Url.EncodeToString(parameters.Q.Y));
            return;
        }
        catch (CryptographicException)
        {
            // Not EC: RSA is the other kind that there is.
        }

        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
        var rsaParameters = rsa.ExportParameters(includePrivateParameters: false);
        writer.WriteString("kty", "RSA");
        writer.WriteString("n", Base64Url.EncodeToString(rsaParameters.Modulus));
        writer.WriteString("e", Base64Url.EncodeToString(rsaParameters.Exponent));
    }

    /// <summary>The member's text; null where it is missing.</summary>
    /// <exception cref="FormatException">It is not a string.</exception>
    public static string? ReadString(JsonElement jwk, string name) =>
        !jwk.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new FormatException($"its '{name}' is not a string");

    /// <summary>Base64url without padding or white space, which the BCL would let pass; null if it is not that, or empty.</summary>
    public static byte[]? DecodeBase64Url(string text) =>
        text.Length > 0 && !text.AsSpan().ContainsAnyExcept(SpiffeChars.Base64Url) && Base64Url.IsValid(text)
            ? Base64Url.DecodeFromChars(text)
            : null;

    private static byte[] Bytes(JsonElement jwk, string name)
    {
        var text = ReadString(jwk, name);
        return text is { Length: <= MaxMemberLength } && DecodeBase64Url(text) is { } bytes
            ? bytes
            : throw new FormatException($"its '{name}' is missing, too long or not base64url");
    }

    private static ECCurve? Curve(string? name) =>
        name switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => null,
        };
}
