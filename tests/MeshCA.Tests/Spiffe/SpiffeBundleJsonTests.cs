using System.Text;
using System.Text.Json;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>
/// Vectors/spiffe-bundle.json and spiffe-bundle-map.json: documents after go-spiffe's spiffebundle tests, SPIRE's
/// bundleutil tests and SPIFFE_Trust_Domain_and_Bundle.md. The verdict is the standard's, not an implementation's.
/// </summary>
public sealed class SpiffeBundleJsonTests
{
    private static readonly JsonElement _cases = VectorFile.Open("spiffe-bundle").GetProperty("cases");
    private static readonly JsonElement _mapCases = VectorFile.Open("spiffe-bundle-map").GetProperty("cases");
    private static readonly TrustDomain _td = TrustDomain.Parse("domain.test");

    public static TheoryData<int, string> Cases => VectorFile.Rows(_cases, "name");

    public static TheoryData<int, string> MapCases => VectorFile.Rows(_mapCases, "name");

    /// <summary>What the standard leaves open is refused here: each such case is a publisher's mistake.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Parse_Vector_AsTheStandardSays(int row, string name)
    {
        var vector = _cases[row];
        var document = Encoding.UTF8.GetBytes(vector.Text("document"));

        if (vector.Text("spec") != "accept")
        {
            var error = Assert.Throws<MeshCaException>(() => SpiffeBundleJson.Parse(_td, document));
            Assert.True(error.Kind == ErrorKind.Malformed, name);
            return;
        }

        var expect = vector.GetProperty("expect");
        var bundle = SpiffeBundleJson.Parse(_td, document);
        Assert.Equal(expect.GetProperty("x509").GetInt32(), bundle.X509Authorities.Length);
        Assert.Equal(expect.GetProperty("jwt").GetInt32(), bundle.JwtAuthorities.Length);
        Assert.Equal(expect.GetProperty("sequence").ToString(), $"{bundle.SequenceNumber}");
        Assert.Equal(expect.GetProperty("refreshHintSeconds").ToString(), $"{bundle.RefreshHint?.TotalSeconds}");
        Assert.Equal(bundle, SpiffeBundleJson.Parse(_td, SpiffeBundleJson.Write(bundle)));
    }

    [Theory]
    [MemberData(nameof(MapCases))]
    public void ParseMap_Vector_AsExpected(int row, string name)
    {
        var vector = _mapCases[row];
        var document = Encoding.UTF8.GetBytes(vector.Text("document"));

        var error = Record.Exception(() => SpiffeBundleJson.ParseMap(document));

        Assert.True(
            vector.Text("expect") == "accept" ? error is null : error is MeshCaException { Kind: ErrorKind.Malformed },
            name
        );
    }
}
