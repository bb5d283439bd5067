using System.Text;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

public sealed class TrustBundleTests
{
    private static readonly TrustDomain _td = TrustDomain.Parse("example.org");

    [Fact]
    public void ParsePem_OwnPem_IsEqual()
    {
        using var one = TestAuthority.Root("CN=one");
        using var two = TestAuthority.Root("CN=two");
        var bundle = new TrustBundle(_td, [one.Der, two.Der]);

        var again = TrustBundle.ParsePem(_td, bundle.ToPem());

        Assert.Equal(bundle, again);
        Assert.Equal(bundle.GetHashCode(), again.GetHashCode());
        Assert.NotEqual(bundle, new TrustBundle(_td, [two.Der, one.Der]));
        Assert.NotEqual(bundle, new TrustBundle(_td, [one.Der]));
        Assert.Equal("example.org: 2 X.509 and 0 JWT authorities", bundle.ToString());
    }

    [Fact]
    public void New_SameAuthorityTwice_KeepsOne()
    {
        using var root = TestAuthority.Root();

        Assert.Single(new TrustBundle(_td, [root.Der, root.Der.ToArray()]).X509Authorities);
    }

    [Fact]
    public void ParsePem_WindowsLinesAndSpace_IsRead()
    {
        using var root = TestAuthority.Root();
        var bundle = new TrustBundle(_td, [root.Der]);
        var pem = "\r\n" + bundle.ToPem().Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\n \t";

        Assert.Equal(bundle, TrustBundle.ParsePem(_td, pem));
    }

    [Theory]
    [InlineData("", "the PEM text has no certificate")]
    [InlineData(" \n", "the PEM text has no certificate")]
    [InlineData("garbage", "the PEM text has text outside of its blocks")]
    [InlineData("{root}garbage", "the PEM text has text outside of its blocks")]
    [InlineData("garbage\n{root}", "the PEM text has text outside of its blocks")]
    [InlineData("{root}# a comment\n{root}", "the PEM text has text outside of its blocks")]
    [InlineData("{root}-----BEGIN CERTIFICATE-----\nAAAA", "the PEM text has text outside of its blocks")]
    [InlineData(
        "{root}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "the PEM text has a block 'PRIVATE KEY' where only certificates belong"
    )]
    [InlineData(
        "{root}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "the PEM text has a block, number 2, that is not one DER certificate"
    )]
    [InlineData(
        "{root}-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "the PEM text: certificate 2 cannot be an authority of example.org: the certificate is not valid DER"
    )]
    [InlineData(
        "{root}{leaf}",
        "the PEM text: certificate 2 cannot be an authority of example.org: it is not a CA certificate"
    )]
    public void ParsePem_BadInput_SaysWhy(string template, string message)
    {
        using var root = TestAuthority.Root();
        var pem = template
            .Replace("{root}", Pem.EncodeCertificates([root.Der]), StringComparison.Ordinal)
            .Replace("{leaf}", Pem.EncodeCertificates([root.Leaf().Der]), StringComparison.Ordinal);

        var error = Assert.Throws<MeshCaException>(() => TrustBundle.ParsePem(_td, pem));

        Assert.Equal(message, error.Message);
        Assert.Equal(ErrorKind.Malformed, error.Kind);
    }

    [Fact]
    public void ParsePem_TooMuch_IsRefused()
    {
        using var root = TestAuthority.Root();
        var one = Pem.EncodeCertificates([root.Der]);

        Assert.Throws<MeshCaException>(() => Pem.DecodeCertificates(new string(' ', Pem.MaxLength + 1)));
        var many = string.Concat(Enumerable.Repeat(one, Pem.MaxBlocks + 1));
        Assert.Equal(
            "the PEM text has more than 1024 certificates",
            Assert.Throws<MeshCaException>(() => Pem.DecodeCertificates(many)).Message
        );
    }

    [Property(MaxTest = 500)]
    public void ParsePem_OneCharacterChanged_ThrowsMeshCaExceptionOrNothing(int at, char replacement)
    {
        var pem = _pem.ToCharArray();
        pem[(at & int.MaxValue) % pem.Length] = replacement;

        var error = Record.Exception(() => TrustBundle.ParsePem(_td, pem));

        Assert.True(error is null or MeshCaException, $"{new string(pem)}: {error}");
    }

    [Property(MaxTest = 500)]
    public void ParseJson_OneByteChanged_ThrowsMeshCaExceptionOrNothing(int at, byte replacement)
    {
        var json = _json.ToArray();
        json[(at & int.MaxValue) % json.Length] = replacement;

        var error = Record.Exception(() => SpiffeBundleJson.Parse(_td, json));

        Assert.True(error is null or MeshCaException, $"{Encoding.UTF8.GetString(json)}: {error}");
    }

    [Property(MaxTest = 500)]
    public void ParseJson_AnyText_ThrowsMeshCaException(string? text)
    {
        var bytes = Encoding.UTF8.GetBytes(text ?? "");

        Assert.Throws<MeshCaException>(() => SpiffeBundleJson.Parse(_td, bytes));
        Assert.Throws<MeshCaException>(() => SpiffeBundleJson.ParseMap(bytes));
    }

    private static readonly string _pem = MakePem();

    private static readonly byte[] _json = SpiffeBundleJson.Write(TrustBundle.ParsePem(_td, _pem));

    private static string MakePem()
    {
        using var root = TestAuthority.Root();
        return Pem.EncodeCertificates([root.Der]);
    }
}
