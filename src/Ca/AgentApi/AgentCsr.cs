using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>Reads the public key of a certificate signing request whose sender has proved that it holds the private one.</summary>
internal static class AgentCsr
{
    public const int MaxLength = 8 * 1024;

    /// <summary>The key, DER SubjectPublicKeyInfo; Malformed if it is not acceptable or not proved.</summary>
    public static byte[] ReadKey(ReadOnlyMemory<byte> csr)
    {
        if (csr.Length is 0 or > MaxLength)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"a CSR has 1 to {MaxLength} bytes, not {csr.Length}");
        }

        // Bounds before arithmetic: the key is looked at before the signature is verified with it.
        var key = Load(csr, CertificateRequestLoadOptions.SkipSignatureValidation);
        if (PublicKeyBounds.Check(key) is { } error)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"CSR refused: {error}");
        }

        return Load(csr, CertificateRequestLoadOptions.Default);
    }

    private static byte[] Load(ReadOnlyMemory<byte> csr, CertificateRequestLoadOptions options)
    {
        try
        {
            return
                CertificateRequest
                    .LoadSigningRequest(csr.Span, HashAlgorithmName.SHA256, out var read, options)
                    .PublicKey.ExportSubjectPublicKeyInfo()
                    is { } key
                && read == csr.Length
                ? key
                : throw new MeshCaException(ErrorKind.Malformed, "CSR refused: bytes follow it");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or NotSupportedException)
        {
            throw new MeshCaException(
                ErrorKind.Malformed,
                "CSR refused: it is not a valid PKCS#10 request in DER, signed with its own key",
                e
            );
        }
    }
}
