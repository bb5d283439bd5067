using System.Security.Cryptography;
using FsCheck;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

public sealed class X509SvidTests
{
    [Fact]
    public void Create_LeafAndItsKey_ReadsTheLeaf()
    {
        using var root = TestAuthority.Root();
        var (leaf, key) = root.Leaf();

        var svid = X509Svid.Create([leaf], key);

        Assert.Equal("spiffe://example.org/web", svid.SpiffeId.ToString());
        Assert.Equal(
            (TestAuthority.Now.AddMinutes(-2), TestAuthority.Now.AddHours(1)),
            (svid.NotBefore, svid.NotAfter)
        );
        Assert.Equal("0abc", svid.SerialNumber);
        Assert.Equal("X509-SVID spiffe://example.org/web, serial 0abc, until 2026-01-01 01:00:00Z", svid.ToString());
    }

    [Fact]
    public void Create_KeyOfAnother_IsRefused()
    {
        using var root = TestAuthority.Root();
        var (leaf, _) = root.Leaf();
        var (_, key) = root.Leaf();

        var error = Assert.Throws<MeshCaException>(() => X509Svid.Create([leaf], key));

        Assert.Equal("the private key is not the one of the X509-SVID spiffe://example.org/web", error.Message);
    }

    [Fact]
    public void Create_RsaKeyOfAnother_IsRefused()
    {
        using var root = TestAuthority.Root();
        using var rsa = RSA.Create(2048);

        Assert.Throws<MeshCaException>(() => X509Svid.Create([root.Leaf().Der], rsa.ExportPkcs8PrivateKey()));
    }

    [Fact]
    public void Create_NotAnSvid_SaysWhy()
    {
        using var root = TestAuthority.Root();
        var (leaf, key) = root.Leaf(spiffeId: null);

        Assert.Equal("the X509-SVID has no certificate", Message([], key));
        Assert.Equal("the certificate is not an X509-SVID: it has 0 URI SANs, not one", Message([leaf], key));
        Assert.Equal("the certificate is not valid DER", Message([new byte[] { 1, 2, 3 }], key));
        Assert.Equal(
            "the private key is not PKCS#8 of an EC or RSA key",
            Message([root.Leaf().Der], new byte[] { 1, 2, 3 })
        );

        static string Message(ReadOnlyMemory<byte>[] chain, byte[] key) =>
            Assert.Throws<MeshCaException>(() => X509Svid.Create([.. chain], key)).Message;
    }

    [Fact]
    public void CertificateFields_Read_AgreesWithWhatWasWritten()
    {
        using var root = TestAuthority.Root("CN=the root");

        var leaf = CertificateFields.Read(root.Leaf().Der);
        var ca = CertificateFields.Read(root.Der);

        Assert.Equal(["spiffe://example.org/web"], leaf.UriNames);
        Assert.Equal(["web.example.org"], leaf.DnsNames);
        Assert.True(leaf.Issuer.Span.SequenceEqual(ca.Subject.Span));
        Assert.False(leaf.IsCa || leaf.SubjectIsEmpty || leaf.SubjectAlternativeNameIsCritical);
        Assert.True(ca.IsCa);
        Assert.Null(leaf.ExtendedKeyUsages);
    }

    [Property(MaxTest = 1000)]
    public void CertificateFields_AnyByteChanged_ThrowsMeshCaExceptionOrNothing(
        NonNegativeInt at,
        byte replacement,
        byte second
    )
    {
        var bytes = _leaf.ToArray();
        bytes[at.Get % bytes.Length] = replacement;
        bytes[at.Get * 7 % bytes.Length] = second;

        var error = Record.Exception(() => CertificateFields.Read(bytes));

        Assert.True(error is null or MeshCaException, $"{at}: {error}");
    }

    private static readonly ReadOnlyMemory<byte> _leaf = MakeLeaf();

    private static ReadOnlyMemory<byte> MakeLeaf()
    {
        using var root = TestAuthority.Root();
        return root.Leaf().Der;
    }
}
