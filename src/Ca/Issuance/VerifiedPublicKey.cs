using System.Security.Cryptography;
using MeshCA.Signers.Crypto;

namespace MeshCA.Ca.Issuance;

/// <summary>A public key whose owner has proved that it holds the private one. Nothing else of a CSR gets past this type.</summary>
public readonly struct VerifiedPublicKey
{
    private VerifiedPublicKey(ReadOnlyMemory<byte> subjectPublicKeyInfo, bool isRsa) =>
        (SubjectPublicKeyInfo, IsRsa) = (subjectPublicKeyInfo, isRsa);

    /// <summary>DER.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    public bool IsRsa { get; }

    /// <summary>Checks a PKCS#10 request, DER, and its signature. EC P-256 and P-384, RSA 2048–4096.</summary>
    /// <exception cref="Spiffe.MeshCaException">Malformed: what is wrong with it.</exception>
    public static VerifiedPublicKey FromCsr(ReadOnlyMemory<byte> csr)
    {
        var fields = CsrFields.Read(csr.Span);
        var key = csr.Slice(fields.KeyOffset, fields.KeyLength);
        Span<byte> digest = stackalloc byte[SHA512.HashSizeInBytes];
        digest = digest[..CryptographicOperations.HashData(fields.Hash, csr.Span[fields.Signed], digest)];
        var signature = csr.Span[fields.Signature];
        bool proved;
        if (SignatureVerifier.TryGetP256Point(key.Span, out var point))
        {
            proved = !fields.IsRsa && P256.Verify(point, digest, signature);
        }
        else
        {
            if (KeyRules.Check(key) is { } error)
            {
                throw CsrFields.Refused(error);
            }

            var verifier = new SignatureVerifier(key);
            proved = fields.IsRsa == verifier.IsRsa && verifier.Verify(digest, fields.Hash, signature);
        }

        return proved ? new(key, fields.IsRsa) : throw CsrFields.Refused("its signature is not one by its own key");
    }
}
