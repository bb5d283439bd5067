using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace MeshCA.Spiffe;

/// <summary>A JWT-SVID as it is written, its signature not verified: <see cref="JwtSvidVerifier"/> does that. It prints no token.</summary>
/// <remarks>JWT-SVID sections 2 and 3.</remarks>
public sealed class JwtSvid
{
    public const int MaxLength = 16 * 1024;

    private const int MaxAudiences = 64;

    // 9999-12-31T23:59:59Z, the last second that DateTimeOffset has.
    private const double LastUnixSecond = 253402300799;

    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    private JwtSvid(string token) => Token = token;

    /// <summary>Whoever holds it is the workload: never logged.</summary>
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public string Token { get; }

    public required SpiffeId SpiffeId { get; init; }

    /// <summary>At least one.</summary>
    public required ImmutableArray<string> Audiences { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? IssuedAt { get; private init; }

    public DateTimeOffset? NotBefore { get; private init; }

    /// <summary>One of the nine that JWT-SVID section 2.1 allows, such as ES256.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Null where the header has none.</summary>
    public string? KeyId { get; private init; }

    /// <summary>The claims, UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Claims { get; private init; }

    internal ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>What the signature covers.</summary>
    internal byte[] SigningInput => Encoding.ASCII.GetBytes(Token, 0, Token.LastIndexOf('.'));

    /// <summary>Reads a token in the compact form. Its words are its bearer's until the signature is verified.</summary>
    /// <exception cref="MeshCaException">Malformed: why it is not a JWT-SVID.</exception>
    public static JwtSvid Parse(string token)
    {
        try
        {
            return Read(token);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            // InvalidOperationException: System.Text.Json's answer to text that is not Unicode.
            var why = e is FormatException ? e.Message : "it has a part that is not JSON, or a member twice";
            throw new MeshCaException(ErrorKind.Malformed, $"the token is not a JWT-SVID: {why}", e);
        }
    }

    public override string ToString() => $"JWT-SVID {SpiffeId}, until {ExpiresAt:u}";

    private static JwtSvid Read(string token)
    {
        if (token.Length > MaxLength)
        {
            throw new FormatException($"it is longer than {MaxLength} characters");
        }

        if (token.Split('.') is not [var encodedHeader, var encodedClaims, var encodedSignature])
        {
            throw new FormatException("it does not have three parts");
        }

        using var header = JsonDocument.Parse(Decode(encodedHeader), _strict);
        var claimBytes = Decode(encodedClaims);
        using var claims = JsonDocument.Parse(claimBytes, _strict);
        if (
            header.RootElement.ValueKind != JsonValueKind.Object
            || claims.RootElement.ValueKind != JsonValueKind.Object
        )
        {
            throw new FormatException("its header or claims are not an object");
        }

        return new(token)
        {
            Algorithm = ReadAlgorithm(header.RootElement),
            KeyId = Jwk.ReadString(header.RootElement, "kid"),
            SpiffeId = ReadSubject(claims.RootElement),
            Audiences = ReadAudiences(claims.RootElement),
            ExpiresAt = ReadTime(claims.RootElement, "exp") ?? throw new FormatException("its 'exp' is missing"),
            IssuedAt = ReadTime(claims.RootElement, "iat"),
            NotBefore = ReadTime(claims.RootElement, "nbf"),
            Claims = claimBytes,
            Signature = Decode(encodedSignature),
        };
    }

    private static string ReadAlgorithm(JsonElement header)
    {
        var algorithm = Jwk.ReadString(header, "alg");
        if (!JwtSvidVerifier.Allows(algorithm))
        {
            throw new FormatException($"its 'alg' '{ErrorText.Cut(algorithm)}' is none that a JWT-SVID may have");
        }

        if (Jwk.ReadString(header, "typ") is not (null or "JWT" or "JOSE"))
        {
            throw new FormatException("its 'typ' is neither JWT nor JOSE");
        }

        // RFC 7515 section 4.1.11: whoever does not know what is critical must refuse the token. Nothing is known here.
        return header.TryGetProperty("crit", out _)
            ? throw new FormatException("its header has critical members")
            : algorithm!;
    }

    private static SpiffeId ReadSubject(JsonElement claims)
    {
        var id = SpiffeId.Parse(Jwk.ReadString(claims, "sub") ?? throw new FormatException("its 'sub' is missing"));
        return id.Path.IsEmpty ? throw new FormatException($"its 'sub' {id} has no path") : id;
    }

    /// <summary>RFC 7519 section 4.1.3: a string or an array of strings.</summary>
    private static ImmutableArray<string> ReadAudiences(JsonElement claims)
    {
        if (claims.TryGetProperty("aud", out var audience))
        {
            if (audience.ValueKind == JsonValueKind.String)
            {
                return [audience.GetString()!];
            }

            if (
                audience.ValueKind == JsonValueKind.Array
                && audience.GetArrayLength() is > 0 and <= MaxAudiences
                && audience.EnumerateArray().All(static a => a.ValueKind == JsonValueKind.String)
            )
            {
                return [.. audience.EnumerateArray().Select(static a => a.GetString()!)];
            }
        }

        throw new FormatException("its 'aud' is neither a string nor a list of strings");
    }

    private static DateTimeOffset? ReadTime(JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out var value))
        {
            return null;
        }

        // RFC 7519 section 2: a NumericDate may have a fraction.
        return
            value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var seconds)
            && seconds is >= 0 and <= LastUnixSecond
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : throw new FormatException($"its '{name}' is not a time");
    }

    private static byte[] Decode(string part) =>
        Jwk.DecodeBase64Url(part) ?? throw new FormatException("it has a part that is not base64url");
}
