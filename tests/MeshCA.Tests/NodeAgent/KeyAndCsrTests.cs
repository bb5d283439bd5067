using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.NodeAgent;

namespace MeshCA.Tests.NodeAgent;

public sealed class KeyAndCsrTests
{
    [Fact]
    public void Generate_Csr_IsReadByTheBclAndNamesNothing()
    {
        var key = KeyAndCsr.Generate();

        var csr = CertificateRequest.LoadSigningRequest(
            key.Csr,
            HashAlgorithmName.SHA256,
            CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions
        );

        Assert.Empty(csr.SubjectName.Name);
        Assert.Empty(csr.CertificateExtensions);
        Assert.Equal(key.SubjectPublicKeyInfo, csr.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void Generate_Pkcs8_IsTheSameKeyAndCanonical()
    {
        var key = KeyAndCsr.Generate();

        using var ec = ECDsa.Create();
        ec.ImportPkcs8PrivateKey(key.Pkcs8, out var read);

        Assert.Equal(key.Pkcs8.Length, read);
        Assert.Equal(key.SubjectPublicKeyInfo, ec.ExportSubjectPublicKeyInfo());
        Assert.Equal(key.SubjectPublicKeyInfo, KeyAndCsr.FromPkcs8(key.Pkcs8).SubjectPublicKeyInfo);
        Assert.Equal("...", key.ToString());
    }

    [Fact]
    public void FromPkcs8_AnotherCurve_IsRefused()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);

        Assert.Throws<CryptographicException>(() => KeyAndCsr.FromPkcs8(p384.ExportPkcs8PrivateKey()));
    }
}
