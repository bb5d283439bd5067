using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Spiffe;

namespace MeshCA.Testing.NodeAgent;

/// <summary>A certificate authority of a few lines over the BCL, so that the agent's tests do not lean on ours.</summary>
public sealed class TestCa : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;

    public TestCa(string trustDomain)
    {
        TrustDomain = TrustDomain.Parse(trustDomain);
        var request = new CertificateRequest("CN=test root", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true)
        );
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(San($"spiffe://{trustDomain}", critical: false));
        var now = TimeProvider.System.GetUtcNow();
        _root = request.CreateSelfSigned(now.AddYears(-10), now.AddYears(20));
        Bundle = new(TrustDomain, [_root.RawData], sequenceNumber: 1);
    }

    public TrustDomain TrustDomain { get; }

    public TrustBundle Bundle { get; }

    /// <summary>The root certificate, DER.</summary>
    public ReadOnlyMemory<byte> Root => _root.RawDataMemory;

    /// <summary>A leaf for a CSR, whose proof of possession is checked.</summary>
    public byte[] Issue(ReadOnlySpan<byte> csr, string spiffeId, DateTimeOffset now, TimeSpan ttl)
    {
        var request = CertificateRequest.LoadSigningRequest(
            csr.ToArray(),
            HashAlgorithmName.SHA256,
            CertificateRequestLoadOptions.Default
        );
        using var leaf = Issue(request.PublicKey, spiffeId, now, ttl);
        return leaf.RawData;
    }

    /// <summary>A certificate with its key, for a TLS server.</summary>
    public X509Certificate2 IssueWithKey(string spiffeId, DateTimeOffset now, TimeSpan ttl)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leaf = Issue(new PublicKey(key), spiffeId, now, ttl);
        return leaf.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }

    private static X509Extension San(string uri, bool critical)
    {
        var san = new SubjectAlternativeNameBuilder();
        san.AddUri(new Uri(uri));
        return san.Build(critical);
    }

    private X509Certificate2 Issue(PublicKey publicKey, string spiffeId, DateTimeOffset now, TimeSpan ttl)
    {
        var request = new CertificateRequest(new X500DistinguishedName(""), publicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(San(spiffeId, critical: true));
        return request.Create(
            _root.SubjectName,
            X509SignatureGenerator.CreateForECDsa(_key),
            now.AddMinutes(-2),
            now + ttl,
            RandomNumberGenerator.GetBytes(16)
        );
    }
}
