using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using MeshCA.Protos.Envoy.Config.Core.V3;
using MeshCA.Protos.Envoy.Extensions.TransportSockets.Tls.V3;
using MeshCA.Protos.Envoy.Type.Matcher.V3;
using MeshCA.Sds.Resources;
using MeshCA.Spiffe;

namespace MeshCA.Sds.Secrets;

/// <summary>Makes Envoy's secrets of ours.</summary>
internal static class SecretEncoder
{
    public const string TypeUrl = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

    private const string ValidatorName = "envoy.tls.cert_validator.spiffe";

    private const string ValidatorTypeUrl =
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig";

    public static Resource Identity(string name, TlsIdentity identity) =>
        Encode(
            new Secret
            {
                Name = name,
                TlsCertificate = new TlsCertificate
                {
                    CertificateChain = Inline(identity.CertificateChainPem),
                    PrivateKey = Inline(identity.PrivateKeyPem),
                },
            }
        );

    /// <summary>Roots for peers of any of these trust domains, each judged by its own; never an empty list.</summary>
    public static Resource SpiffeValidator(string name, IReadOnlyList<TrustBundle> bundles, string? peerPrefix = null)
    {
        var config = new SPIFFECertValidatorConfig();
        foreach (var bundle in bundles)
        {
            config.TrustDomains.Add(
                new SPIFFECertValidatorConfig.Types.TrustDomain
                {
                    Name = bundle.TrustDomain.Name,
                    TrustBundle = Inline(Pem(bundle)),
                }
            );
        }

        return Validation(
            name,
            new CertificateValidationContext
            {
                CustomValidatorConfig = new TypedExtensionConfig
                {
                    Name = ValidatorName,
                    TypedConfig = new Any { TypeUrl = ValidatorTypeUrl, Value = config.ToByteString() },
                },
            },
            peerPrefix
        );
    }

    public static Resource PlainRoots(string name, TrustBundle bundle, string? peerPrefix = null) =>
        Validation(name, new CertificateValidationContext { TrustedCa = Inline(Pem(bundle)) }, peerPrefix);

    private static Resource Validation(string name, CertificateValidationContext context, string? peerPrefix)
    {
        if (peerPrefix is not null)
        {
            context.MatchTypedSubjectAltNames.Add(
                new SubjectAltNameMatcher
                {
                    SanType = SubjectAltNameMatcher.Types.SanType.Uri,
                    Matcher = new StringMatcher { Prefix = peerPrefix },
                }
            );
        }

        return Encode(new Secret { Name = name, ValidationContext = context });
    }

    private static Resource Encode(Secret secret) => Resource.Encode(secret.Name, TypeUrl, secret);

    private static DataSource Inline(ReadOnlyMemory<byte> bytes) =>
        new() { InlineBytes = UnsafeByteOperations.UnsafeWrap(bytes) };

    private static byte[] Pem(TrustBundle bundle)
    {
        var pem = new StringBuilder();
        foreach (var root in bundle.X509Authorities)
        {
            pem.Append(PemEncoding.WriteString("CERTIFICATE", root.Span)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(pem.ToString());
    }
}
