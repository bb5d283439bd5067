using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace MeshCA.Spiffe;

/// <summary>Trust bundles as SPIFFE bundle documents, which are JWK Sets.</summary>
/// <remarks>
/// SPIFFE_Trust_Domain_and_Bundle section 4, X509-SVID section 6, JWT-SVID section 6. An element of a kind or use that is
/// not known is passed over, as the standard asks; one of a known kind that is wrong makes the document refused.
/// </remarks>
public static class SpiffeBundleJson
{
    public const int MaxLength = 4 * 1024 * 1024;
    public const int MaxKeys = 1024;
    public const int MaxTrustDomains = 1024;

    private const string X509Use = "x509-svid";
    private const string JwtUse = "jwt-svid";
    private const int MaxKeyIdLength = 1024;

    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private static readonly string[] _privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    /// <summary>Reads the document of one trust domain.</summary>
    /// <exception cref="MeshCaException">Malformed: why it is not a bundle document.</exception>
    public static TrustBundle Parse(TrustDomain trustDomain, ReadOnlyMemory<byte> utf8)
    {
        using var document = Open(utf8);
        try
        {
            return ReadBundle(trustDomain, document.RootElement);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            // InvalidOperationException: System.Text.Json's answer to text that is not Unicode.
            throw new MeshCaException(ErrorKind.Malformed, $"the bundle document of {trustDomain}: {e.Message}", e);
        }
    }

    /// <summary>Reads a document of many bundles, <c>{"trust_domains": {"example.org": {"keys": …}}}</c>. Refresh hints in it do not count.</summary>
    /// <exception cref="MeshCaException">Malformed: why it is not such a document.</exception>
    public static ImmutableArray<TrustBundle> ParseMap(ReadOnlyMemory<byte> utf8)
    {
        using var document = Open(utf8);
        try
        {
            var map = Member(document.RootElement, "trust_domains", JsonValueKind.Object);
            if (map.GetPropertyCount() > MaxTrustDomains)
            {
                throw new FormatException($"it has more than {MaxTrustDomains} trust domains");
            }

            var bundles = ImmutableArray.CreateBuilder<TrustBundle>();
            foreach (var entry in map.EnumerateObject())
            {
                var bundle = ReadBundle(TrustDomain.Parse(entry.Name), entry.Value);
                bundles.Add(
                    new(bundle.TrustDomain, bundle.X509Authorities, bundle.JwtAuthorities, bundle.SequenceNumber)
                );
            }

            return bundles.DrainToImmutable();
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"the bundle map: {e.Message}", e);
        }
    }

    public static byte[] Write(TrustBundle bundle)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("keys");
            foreach (var authority in bundle.X509Authorities)
            {
                writer.WriteStartObject();
                Jwk.WritePublicKey(writer, CertificateFields.Read(authority).SubjectPublicKeyInfo.Span);
                writer.WriteString("use", X509Use);
                writer.WriteStartArray("x5c");
                writer.WriteBase64StringValue(authority.Span);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            foreach (var authority in bundle.JwtAuthorities)
            {
                writer.WriteStartObject();
                Jwk.WritePublicKey(writer, authority.SubjectPublicKeyInfo.Span);
                writer.WriteString("kid", authority.KeyId);
                writer.WriteString("use", JwtUse);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (bundle.SequenceNumber is { } sequence)
            {
                writer.WriteNumber("spiffe_sequence", sequence);
            }

            if (bundle.RefreshHint is { } hint)
            {
                writer.WriteNumber("spiffe_refresh_hint", (long)hint.TotalSeconds);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static JsonDocument Open(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Length > MaxLength)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"the bundle document is larger than {MaxLength} bytes");
        }

        try
        {
            return JsonDocument.Parse(utf8, _strict);
        }
        catch (JsonException e)
        {
            throw new MeshCaException(ErrorKind.Malformed, "the bundle document is not JSON, or has a member twice", e);
        }
    }

    private static TrustBundle ReadBundle(TrustDomain trustDomain, JsonElement document)
    {
        var keys = Member(document, "keys", JsonValueKind.Array);
        if (keys.GetArrayLength() > MaxKeys)
        {
            throw new FormatException($"it has more than {MaxKeys} keys");
        }

        var x509Authorities = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var jwtAuthorities = new Dictionary<string, JwtAuthority>(StringComparer.Ordinal);
        var index = 0;
        foreach (var key in keys.EnumerateArray())
        {
            try
            {
                ReadKey(key, x509Authorities, jwtAuthorities);
            }
            catch (FormatException e)
            {
                throw new FormatException($"keys[{index}]: {e.Message}", e);
            }

            index++;
        }

        var sequence = ReadInteger(document, "spiffe_sequence", ulong.MaxValue);
        var hint = ReadInteger(document, "spiffe_refresh_hint", int.MaxValue);
        return new(
            trustDomain,
            x509Authorities.DrainToImmutable(),
            [.. jwtAuthorities.Values],
            sequence,
            hint is { } seconds ? TimeSpan.FromSeconds((long)seconds) : null
        );
    }

    private static void ReadKey(
        JsonElement key,
        ImmutableArray<ReadOnlyMemory<byte>>.Builder x509Authorities,
        Dictionary<string, JwtAuthority> jwtAuthorities
    )
    {
        if (key.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("it is not an object");
        }

        var use = Jwk.ReadString(key, "use");
        if (use is not (X509Use or JwtUse))
        {
            return;
        }

        if (Array.Find(_privateMembers, name => key.TryGetProperty(name, out _)) is { } secret)
        {
            throw new FormatException(
                $"it has the private member '{secret}'; publish public keys only, and replace this one"
            );
        }

        if (use == JwtUse)
        {
            ReadJwtAuthority(key, jwtAuthorities);
        }
        else if (FirstOfX5c(key) is { } certificate && Jwk.ReadPublicKey(key) is { } publicKey)
        {
            if (TrustBundle.CheckAuthority(certificate) is { } error)
            {
                throw new FormatException($"its certificate cannot be an authority: {error}");
            }

            // RFC 7517 section 4.7.
            if (!CertificateFields.Read(certificate).SubjectPublicKeyInfo.Span.SequenceEqual(publicKey))
            {
                throw new FormatException("its certificate is not that of its key");
            }

            x509Authorities.Add(certificate);
        }
    }

    private static void ReadJwtAuthority(JsonElement key, Dictionary<string, JwtAuthority> jwtAuthorities)
    {
        if (Jwk.ReadPublicKey(key) is not { } publicKey)
        {
            return;
        }

        if (Jwk.ReadString(key, "kid") is not { Length: > 0 and <= MaxKeyIdLength } keyId)
        {
            throw new FormatException($"its 'kid' is missing, empty or longer than {MaxKeyIdLength} characters");
        }

        var authority = new JwtAuthority(keyId, publicKey);
        if (!jwtAuthorities.TryAdd(keyId, authority) && jwtAuthorities[keyId] != authority)
        {
            throw new FormatException($"another key has its kid '{ErrorText.Cut(keyId)}'");
        }
    }

    /// <summary>X509-SVID section 6.2: one without is passed over, and of several the first counts.</summary>
    private static byte[]? FirstOfX5c(JsonElement key)
    {
        if (!key.TryGetProperty("x5c", out var x5c))
        {
            return null;
        }

        if (x5c.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException("its 'x5c' is not an array");
        }

        if (x5c.GetArrayLength() == 0)
        {
            return null;
        }

        return x5c[0].ValueKind == JsonValueKind.String && x5c[0].TryGetBytesFromBase64(out var der)
            ? der
            : throw new FormatException("its 'x5c' is not base64");
    }

    private static JsonElement Member(JsonElement document, string name, JsonValueKind kind)
    {
        if (document.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("it is not an object");
        }

        return document.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : throw new FormatException(
                $"'{name}' is missing or not an {(kind == JsonValueKind.Array ? "array" : "object")}"
            );
    }

    /// <summary>Read as 64 bits: as a double, a sequence above 2^53 would change.</summary>
    private static ulong? ReadInteger(JsonElement document, string name, ulong max)
    {
        if (!document.TryGetProperty(name, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var number) && number <= max
            ? number
            : throw new FormatException($"'{name}' is not an integer from 0 to {max}");
    }
}
