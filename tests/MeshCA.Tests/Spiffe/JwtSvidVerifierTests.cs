using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>Vectors/jwt-svid.json: tokens made after go-spiffe's jwtsvid tests, SPIRE's jwtsvid tests and JWT-SVID.md.</summary>
public sealed class JwtSvidVerifierTests
{
    private static readonly JsonElement _file = VectorFile.Open("jwt-svid");
    private static readonly JsonElement _cases = _file.GetProperty("cases");
    private static readonly DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(
        _file.GetProperty("evaluateAtUnix").GetInt64()
    );
    private static readonly TrustBundle _bundle = SpiffeBundleJson.Parse(
        TrustDomain.Parse(_file.Text("trustDomain")),
        Encoding.UTF8.GetBytes(_file.GetProperty("bundle").GetRawText())
    );

    public static TheoryData<int, string> Cases => VectorFile.Rows(_cases, "name");

    /// <summary>What the standard leaves open may go either way, but not with another exception.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Verify_Vector_AsExpected(int row, string name)
    {
        var vector = _cases[row];
        var audience = vector.GetProperty("audience").EnumerateArray().FirstOrDefault();
        var asked = audience.ValueKind == JsonValueKind.String ? audience.GetString()! : "";

        var error = Record.Exception(() => JwtSvidVerifier.Verify(vector.Text("token"), asked, [_bundle], _now));

        Assert.True(error is null or MeshCaException, $"{name}: {error}");
        if (vector.Text("expect") is "accept" or "reject")
        {
            Assert.True(vector.Text("expect") == "accept" == error is null, $"{name}: {error}");
        }
    }

    [Fact]
    public void Verify_Good_SaysWhatIsInIt()
    {
        var token = Case("success").Text("token");

        var svid = JwtSvidVerifier.Verify(token, "audience", [_bundle], _now);

        Assert.Equal("spiffe://trustdomain/host", svid.SpiffeId.ToString());
        Assert.Equal(["audience"], svid.Audiences);
        Assert.Equal(
            ("ES384", "authority1", _now, _now.AddMinutes(1)),
            (svid.Algorithm, svid.KeyId, svid.IssuedAt, svid.ExpiresAt)
        );
        Assert.Equal("issuer", JsonElement.Parse(svid.Claims.Span).Text("iss"));
        Assert.DoesNotContain(token, svid.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_AtTheEdges_CountsLeeway()
    {
        var token = Case("success").Text("token");
        var end = _now.AddMinutes(1) + JwtSvidVerifier.Leeway;

        Assert.Null(Record.Exception(() => JwtSvidVerifier.Verify(token, "audience", [_bundle], end.AddTicks(-1))));
        var error = Assert.Throws<MeshCaException>(() => JwtSvidVerifier.Verify(token, "audience", [_bundle], end));

        Assert.Equal(ErrorKind.Unauthenticated, error.Kind);
        Assert.StartsWith("the JWT-SVID spiffe://trustdomain/host is refused: it has expired at", error.Message);
    }

    [Theory]
    [InlineData("", "it does not have three parts")]
    [InlineData("a.b", "it does not have three parts")]
    [InlineData("a.b.c.d", "it does not have three parts")]
    [InlineData("a=.b.c", "it has a part that is not base64url")]
    [InlineData("bm90IGpzb24.e30.AA", "it has a part that is not JSON, or a member twice")]
    [InlineData("W10.e30.AA", "its header or claims are not an object")]
    [InlineData("e30.e30.AA", "its 'alg' '' is none that a JWT-SVID may have")]
    [InlineData("""{"alg":"none"}|{}""", "its 'alg' 'none' is none that a JWT-SVID may have")]
    [InlineData("""{"alg":7}|{}""", "its 'alg' is not a string")]
    [InlineData("""{"alg":"ES256","typ":"wit+jwt"}|{}""", "its 'typ' is neither JWT nor JOSE")]
    [InlineData("""{"alg":"ES256","crit":["b64"]}|{}""", "its header has critical members")]
    [InlineData("""{"alg":"ES256","alg":"RS256"}|{}""", "it has a part that is not JSON, or a member twice")]
    [InlineData("""{"alg":"ES256"}|{}""", "its 'sub' is missing")]
    [InlineData("""{"alg":"ES256"}|{"sub":"spiffe://a"}""", "its 'sub' spiffe://a has no path")]
    [InlineData("""{"alg":"ES256"}|{"sub":"x"}""", "'x' is not a SPIFFE ID: it does not start with spiffe://")]
    [InlineData(
        """{"alg":"ES256"}|{"sub":"spiffe://a/b","aud":[]}""",
        "its 'aud' is neither a string nor a list of strings"
    )]
    [InlineData(
        """{"alg":"ES256"}|{"sub":"spiffe://a/b","aud":["a",1]}""",
        "its 'aud' is neither a string nor a list of strings"
    )]
    [InlineData("""{"alg":"ES256"}|{"sub":"spiffe://a/b","aud":"a"}""", "its 'exp' is missing")]
    [InlineData("""{"alg":"ES256"}|{"sub":"spiffe://a/b","aud":"a","exp":"1"}""", "its 'exp' is not a time")]
    [InlineData("""{"alg":"ES256"}|{"sub":"spiffe://a/b","aud":"a","exp":1e300}""", "its 'exp' is not a time")]
    [InlineData("""{"alg":"ES256"}|{"sub":"\ud800"}""", "it has a part that is not JSON, or a member twice")]
    public void Parse_BadInput_SaysWhy(string parts, string reason)
    {
        var token = parts.Split('|') is [var header, var claims]
            ? $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.AA"
            : parts;

        var error = Assert.Throws<MeshCaException>(() => JwtSvid.Parse(token));

        Assert.Equal($"the token is not a JWT-SVID: {reason}", error.Message);
        Assert.Equal(ErrorKind.Malformed, error.Kind);
    }

    [Fact]
    public void Parse_TooLong_IsRefused() =>
        Assert.Throws<MeshCaException>(() => JwtSvid.Parse(new string('A', JwtSvid.MaxLength + 1)));

    /// <summary>No single changed character may leave a token that verifies, nor throw anything unexpected.</summary>
    [Property(MaxTest = 500)]
    public void Verify_OneCharacterChanged_IsRefused(NonNegativeInt at, char replacement)
    {
        var token = Case("success").Text("token");
        var changed = token.ToCharArray();
        changed[at.Get % token.Length] = replacement;
        var text = new string(changed);

        var error = Record.Exception(() => JwtSvidVerifier.Verify(text, "audience", [_bundle], _now));

        Assert.True(text == token || error is MeshCaException, $"{text}: {error}");
    }

    private static JsonElement Case(string name) => _cases.EnumerateArray().First(c => c.Text("name") == name);
}
