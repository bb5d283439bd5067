using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshCA.Sds;
using MeshCA.Spiffe;

namespace MeshCA.Testing.Sds;

/// <summary>Makes real bundles and identities of one trust domain.</summary>
public sealed class TestSecrets : IDisposable
{
    private static readonly DateTimeOffset _notBefore = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;
    private byte _lastSerial;

    public TestSecrets(string trustDomain)
    {
        TrustDomain = TrustDomain.Parse(trustDomain);
        var request = new CertificateRequest($"CN={trustDomain} root", _rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = request.CreateSelfSigned(_notBefore, _notBefore.AddYears(50));
    }

    public TrustDomain TrustDomain { get; }

    public TrustBundle Bundle() => new(TrustDomain, [_root.RawData]);

    /// <summary>Another certificate, with another key, at each call.</summary>
    public TlsIdentity Identity(string path, params string[] furtherUris) => Make(path, furtherUris, ca: false);

    public TlsIdentity CaAsLeaf(string path) => Make(path, [], ca: true);

    public void Dispose()
    {
        _root.Dispose();
        _rootKey.Dispose();
    }

    private TlsIdentity Make(string path, string[] furtherUris, bool ca)
    {
        var id = SpiffeId.Parse($"spiffe://{TrustDomain}{path}");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("workload.test");
        names.AddUri(new Uri(id.ToString()));
        foreach (var uri in furtherUris)
        {
            names.AddUri(new Uri(uri));
        }

        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(ca, false, 0, true));
        using var leaf = request.Create(_root, _notBefore, _notBefore.AddYears(40), [1, ++_lastSerial]);
        return new TlsIdentity
        {
            SpiffeId = id,
            CertificateChainPem = Encoding.ASCII.GetBytes(leaf.ExportCertificatePem() + "\n"),
            PrivateKeyPem = Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"),
        };
    }
}
