using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshCA.Tests.Spiffe;

/// <summary>A CA made of the BCL's own certificate builder, so that what is tested is not what made the certificate.</summary>
internal sealed class TestAuthority : IDisposable
{
    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_767_225_600);

    private readonly X509Certificate2 _certificate;

    private TestAuthority(X509Certificate2 certificate) => _certificate = certificate;

    public ReadOnlyMemory<byte> Der => _certificate.RawData;

    public static TestAuthority Root(string name = "CN=root")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new(Request(name, key).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(30)));
    }

    public TestAuthority Intermediate(string name = "CN=intermediate")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Request(name, key).Create(_certificate, Now.AddDays(-1), Now.AddDays(20), [7]);
        return new(certificate.CopyWithPrivateKey(key));
    }

    /// <summary>A leaf that is right in every way but what <paramref name="change"/> does to it.</summary>
    public (ReadOnlyMemory<byte> Der, byte[] Pkcs8) Leaf(
        string? spiffeId = "spiffe://example.org/web",
        Action<CertificateRequest>? change = null
    )
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("O=test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        if (spiffeId is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri(spiffeId));
            names.AddDnsName("web.example.org");
            request.CertificateExtensions.Add(names.Build());
        }

        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false)
        );
        change?.Invoke(request);
        using var leaf = request.Create(_certificate, Now.AddMinutes(-2), Now.AddHours(1), [0x0a, 0xbc]);
        return (leaf.RawData, key.ExportPkcs8PrivateKey());
    }

    /// <summary>A leaf for a public key of which nobody needs the private half.</summary>
    public ReadOnlyMemory<byte> LeafFor(PublicKey key)
    {
        var request = new CertificateRequest(new X500DistinguishedName("O=test"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri("spiffe://example.org/web"));
        request.CertificateExtensions.Add(names.Build());
        using var signingKey = _certificate.GetECDsaPrivateKey()!;
        var generator = X509SignatureGenerator.CreateForECDsa(signingKey);
        using var leaf = request.Create(_certificate.SubjectName, generator, Now.AddMinutes(-2), Now.AddHours(1), [1]);
        return leaf.RawData;
    }

    public void Dispose() => _certificate.Dispose();

    private static CertificateRequest Request(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }
}
