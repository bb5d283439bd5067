using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshCA.Ca.Authorities;

/// <summary>Keys of the server itself: it asks for certificates as everyone does, by a CSR.</summary>
internal static class OwnKey
{
    /// <summary>The caller disposes of the key.</summary>
    public static byte[] MakeCsr(out ECDsa key)
    {
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }
}
