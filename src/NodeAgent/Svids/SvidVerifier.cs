using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using MeshCA.NodeAgent.Node;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Svids;

/// <summary>Checks issued SVIDs before anybody is given them. Used by one thread at a time.</summary>
/// <remarks>
/// The whole path is validated once for each set of intermediates and bundle; a leaf of the same issuer then costs one
/// signature verification, 0.06 instead of 0.5 ms: with thousands of SVIDs that is seconds.
/// </remarks>
internal sealed class SvidVerifier(NodeIdentity identity, TimeProvider time) : IDisposable
{
    private readonly List<AsymmetricAlgorithm> _issuers = [];

    private TrustBundle? _bundle;
    private ImmutableArray<ReadOnlyMemory<byte>> _intermediates = [];

    /// <summary>Those of the last leaf: one copy for all SVIDs of an issuer.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Intermediates => _intermediates;

    /// <summary>Throws unless the leaf names this identity, has this key, and is signed by a trusted issuer.</summary>
    /// <exception cref="MeshCaException">Why it cannot be served.</exception>
    public void Check(
        ReadOnlyMemory<byte> leaf,
        ImmutableArray<ReadOnlyMemory<byte>> intermediates,
        SpiffeId expected,
        ReadOnlySpan<byte> subjectPublicKeyInfo
    )
    {
        var bundle =
            identity.Bundle ?? throw new MeshCaException(ErrorKind.Unavailable, "there is no trust bundle yet");
        var id = X509SvidVerifier.ReadId(leaf);
        if (id != expected)
        {
            throw Refuse(expected, $"it is for {id}");
        }

        var fields = CertificateFields.Read(leaf);
        if (!fields.SubjectPublicKeyInfo.Span.SequenceEqual(subjectPublicKeyInfo))
        {
            throw Refuse(expected, "it has another key");
        }

        if (fields.NotAfter <= time.GetUtcNow())
        {
            throw Refuse(expected, $"it has expired at {fields.NotAfter:u}; check the clocks of server and agent");
        }

        if (!ReferenceEquals(bundle, _bundle) || !HasSameBytes(intermediates, _intermediates))
        {
            X509SvidVerifier.Verify([leaf, .. intermediates], [bundle], time.GetUtcNow());
            Remember(bundle, intermediates);
        }
        else if (!IsSignedByIssuer(leaf))
        {
            throw Refuse(expected, "its signature is not its issuer's");
        }
    }

    public void Dispose() => _issuers.ForEach(static k => k.Dispose());

    private static bool HasSameBytes(ImmutableArray<ReadOnlyMemory<byte>> a, ImmutableArray<ReadOnlyMemory<byte>> b) =>
        a.Length == b.Length && a.Zip(b).All(static p => p.First.Span.SequenceEqual(p.Second.Span));

    private static MeshCaException Refuse(SpiffeId expected, string why) =>
        new(ErrorKind.Unavailable, $"the server's X509-SVID for {expected} cannot be used: {why}");

    private void Remember(TrustBundle bundle, ImmutableArray<ReadOnlyMemory<byte>> intermediates)
    {
        _issuers.ForEach(static k => k.Dispose());
        _issuers.Clear();
        (_bundle, _intermediates) = (bundle, intermediates);
        foreach (var issuer in intermediates.IsEmpty ? bundle.X509Authorities : [intermediates[0]])
        {
            if (ImportKey(CertificateFields.Read(issuer).SubjectPublicKeyInfo.Span) is { } key)
            {
                _issuers.Add(key);
            }
        }
    }

    private static AsymmetricAlgorithm? ImportKey(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        var ec = ECDsa.Create();
        try
        {
            ec.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            return ec;
        }
        catch (CryptographicException)
        {
            ec.Dispose();
        }

        var rsa = RSA.Create();
        try
        {
            rsa.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            return rsa;
        }
        catch (CryptographicException)
        {
            rsa.Dispose();
            return null;
        }
    }

    private bool IsSignedByIssuer(ReadOnlyMemory<byte> leaf)
    {
        var certificate = new AsnReader(leaf, AsnEncodingRules.DER).ReadSequence();
        var tbs = certificate.ReadEncodedValue().Span;
        var algorithm = certificate.ReadSequence().ReadObjectIdentifier();
        var signature = certificate.ReadBitString(out _);

        // RFC 5758 section 3.2 and RFC 4055 section 5: what our CA signs with.
        HashAlgorithmName? hash = algorithm switch
        {
            "1.2.840.10045.4.3.2" or "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
            "1.2.840.10045.4.3.3" or "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
            "1.2.840.10045.4.3.4" or "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
            _ => null,
        };
        foreach (var issuer in _issuers)
        {
            var valid = (issuer, hash) switch
            {
                (ECDsa ec, { } h) => ec.VerifyData(tbs, signature, h, DSASignatureFormat.Rfc3279DerSequence),
                (RSA rsa, { } h) => rsa.VerifyData(tbs, signature, h, RSASignaturePadding.Pkcs1),
                _ => false,
            };
            if (valid)
            {
                return true;
            }
        }

        return false;
    }
}
