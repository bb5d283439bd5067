using System.Text.Json;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>Vectors/dns-san.json: inputs of SPIRE's x509util DNS tests.</summary>
public sealed class DnsNameTests
{
    private static readonly JsonElement _vectors = VectorFile.Open("dns-san");

    public static TheoryData<int, string> Vectors => VectorFile.Rows(_vectors, "input");

    [Theory]
    [MemberData(nameof(Vectors))]
    public void TryParse_Vector_AsExpected(int row, string input)
    {
        var valid = DnsName.TryParse(input, out var name);

        Assert.Equal(_vectors[row].Flag("valid"), valid);
        Assert.Equal(valid ? input : "", name.ToString());
    }

    [Theory]
    [InlineData("", "'' is not a DNS name: it is empty")]
    [InlineData("a.", "'a.' is not a DNS name: it ends with a dot")]
    [InlineData("a..b", "'a..b' is not a DNS name: it has an empty label")]
    [InlineData(".a", "'.a' is not a DNS name: it has an empty label")]
    [InlineData("*", "'*' is not a DNS name: a wildcard may only be the whole first label")]
    [InlineData("a*.b", "'a*.b' is not a DNS name: a wildcard may only be the whole first label")]
    [InlineData("a_b", "'a_b' is not a DNS name: it has a character outside [a-zA-Z0-9-]")]
    [InlineData("a:80", "'a:80' is not a DNS name: it has a character outside [a-zA-Z0-9-]")]
    [InlineData("a-.b", "'a-.b' is not a DNS name: a label starts or ends with a hyphen")]
    [InlineData("ab--c", "'ab--c' is not a DNS name: a label has hyphens in its third and fourth place")]
    [InlineData("xn--9", "'xn--9' is not a DNS name: a label is not valid punycode")]
    [InlineData("10.0.0.1", "'10.0.0.1' is not a DNS name: it is an IP address")]
    public void Parse_BadInput_SaysWhy(string input, string message)
    {
        var error = Assert.Throws<FormatException>(() => DnsName.Parse(input));

        Assert.Equal(message, error.Message);
    }

    [Theory]
    [InlineData("Web.Example.COM", "web.example.com")]
    [InlineData("*.SHOP.svc", "*.shop.svc")]
    public void Parse_UpperCase_BecomesLower(string input, string expected) =>
        Assert.Equal(expected, DnsName.Parse(input).ToString());

    [Theory]
    [InlineData(253, true)]
    [InlineData(254, false)]
    public void TryParse_AtTheLimit_BoundsLength(int length, bool valid)
    {
        var name = string.Join('.', Enumerable.Repeat(new string('a', 63), 4));

        Assert.Equal(valid, DnsName.TryParse(name.AsSpan(255 - length), out _));
    }

    [Property(MaxTest = 1000)]
    public void Parse_AnyText_ThrowsFormatExceptionOrIsAFixedPoint(string? text)
    {
        var error = Record.Exception(() =>
        {
            var name = DnsName.Parse(text);
            Assert.Equal(name, DnsName.Parse(name.ToString()));
        });

        Assert.True(error is null or FormatException, $"{text}: {error}");
    }
}
