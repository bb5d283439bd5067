using System.Security.Cryptography;
using MeshCA.Protos.Envoy.Extensions.TransportSockets.Tls.V3;
using MeshCA.Sds;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Sds;

/// <summary>Reads what is inside secrets.</summary>
internal static class SecretText
{
    public static string Pem(TrustBundle bundle) =>
        string.Concat(bundle.X509Authorities.Select(r => PemEncoding.WriteString("CERTIFICATE", r.Span) + "\n"));

    public static SPIFFECertValidatorConfig Validator(Secret secret) =>
        secret.ValidationContext.CustomValidatorConfig.TypedConfig.Unpack<SPIFFECertValidatorConfig>();

    public static void IsIdentity(TlsIdentity identity, Secret secret) =>
        Assert.Equal(identity.CertificateChainPem.ToArray(), secret.TlsCertificate.CertificateChain.InlineBytes);
}
