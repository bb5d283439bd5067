using System.Text.Json;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>Vectors/trust-domain.json: inputs of go-spiffe's trust domain tests, names and SPIFFE IDs alike.</summary>
public sealed class TrustDomainTests
{
    private static readonly JsonElement _vectors = VectorFile.Open("trust-domain");

    public static TheoryData<int, string> Vectors => VectorFile.Rows(_vectors, "source");

    [Theory]
    [MemberData(nameof(Vectors))]
    public void ParseNameOrId_Vector_AsExpected(int row, string source)
    {
        var vector = _vectors[row];
        var input = vector.Text("input");

        if (!vector.Flag("valid"))
        {
            Assert.True(Record.Exception(() => TrustDomain.ParseNameOrId(input)) is FormatException, source + input);
            Assert.False(TrustDomain.TryParse(input, out _));
            return;
        }

        var trustDomain = TrustDomain.ParseNameOrId(input);
        Assert.Equal(vector.Text("trustDomain"), trustDomain.Name);
        Assert.Equal(vector.TextOrNull("idString") ?? "spiffe://" + trustDomain.Name, trustDomain.Id.ToString());
        Assert.Equal(!input.Contains(':'), TrustDomain.TryParse(input, out _));
    }

    [Theory]
    [InlineData("", "'' is not a trust domain: the trust domain is missing")]
    [InlineData("A", "'A' is not a trust domain: the trust domain has a character outside [a-z0-9._-]")]
    [InlineData(
        "spiffe://a",
        "'spiffe://a' is not a trust domain: the trust domain has a character outside [a-z0-9._-]"
    )]
    public void Parse_BadInput_SaysWhy(string input, string message)
    {
        var error = Assert.Throws<FormatException>(() => TrustDomain.Parse(input));

        Assert.Equal(message, error.Message);
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void TryParse_AtTheLimit_BoundsLength(int length, bool valid) =>
        Assert.Equal(valid, TrustDomain.TryParse(new string('a', length), out _));
}
