using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshCA.Spiffe;

/// <summary>Verifies a peer's X509-SVID against the trust bundle of its own trust domain. Thread-safe; touches no network.</summary>
/// <remarks>
/// X509-SVID section 5. Nothing of the machine's certificate store is trusted, but .NET reads it at the first chain that a
/// process builds, which takes about 0.15 s; after that a chain with one intermediate takes well under a millisecond.
/// </remarks>
public static class X509SvidVerifier
{
    /// <summary>A leaf and more intermediates than any hierarchy here has: chain building is not to be a peer's toy.</summary>
    public const int MaxChainLength = 8;

    /// <summary>The peer's SPIFFE ID, from its certificates in DER, leaf first.</summary>
    /// <exception cref="MeshCaException">Unauthenticated: the reason why the chain is not trusted.</exception>
    public static SpiffeId Verify(
        IReadOnlyList<ReadOnlyMemory<byte>> chainDer,
        IReadOnlyCollection<TrustBundle> bundles,
        DateTimeOffset now
    )
    {
        if (chainDer.Count is 0 or > MaxChainLength)
        {
            throw Untrusted($"the chain has {chainDer.Count} certificates, not 1 to {MaxChainLength}");
        }

        var certificates = new X509Certificate2Collection();
        try
        {
            foreach (var der in chainDer)
            {
                certificates.Add(Load(der));
            }

            var leaf = certificates[0];
            certificates.RemoveAt(0);
            using (leaf)
            {
                return Verify(leaf, certificates, bundles, now);
            }
        }
        finally
        {
            foreach (var certificate in certificates)
            {
                certificate.Dispose();
            }
        }
    }

    /// <summary>The same from a TLS stack's callback: the peer's certificate and what else it sent, in any order.</summary>
    /// <exception cref="MeshCaException">Unauthenticated: the reason why the chain is not trusted.</exception>
    public static SpiffeId Verify(
        X509Certificate2 leaf,
        X509Certificate2Collection others,
        IReadOnlyCollection<TrustBundle> bundles,
        DateTimeOffset now
    )
    {
        if (others.Count >= MaxChainLength)
        {
            throw Untrusted($"the chain has {others.Count + 1} certificates, not 1 to {MaxChainLength}");
        }

        var fields = ReadFields(leaf);
        if (CheckLeaf(fields, out var id) is { } error)
        {
            throw Untrusted(error);
        }

        // Only the bundle of the leaf's own trust domain counts: else every federated CA could forge every identity.
        var bundle = bundles.FirstOrDefault(b => id.IsMemberOf(b.TrustDomain));
        if (bundle is null || bundle.X509Authorities.IsEmpty)
        {
            throw Untrusted($"there is no trust bundle for {id.TrustDomain}", id);
        }

        if (now < fields.NotBefore)
        {
            throw Untrusted($"it is not valid before {fields.NotBefore:u}", id);
        }

        // RFC 5280 counts the last second as valid, OpenSSL (which the chain is built with) does not: the stricter holds.
        if (now >= fields.NotAfter)
        {
            throw Untrusted($"it has expired at {fields.NotAfter:u}", id);
        }

        foreach (var other in others)
        {
            // Before the chain is built, since building verifies signatures with these keys.
            if (PublicKeyBounds.Check(ReadFields(other).SubjectPublicKeyInfo) is { } bad)
            {
                throw Untrusted(bad, id);
            }
        }

        BuildChain(leaf, others, bundle, id, now);
        return id;
    }

    /// <summary>The SPIFFE ID that a certificate claims, by the rules for a leaf alone: for one that was verified before.</summary>
    /// <exception cref="MeshCaException">Unauthenticated: it is not an X509-SVID.</exception>
    public static SpiffeId ReadId(ReadOnlyMemory<byte> leafDer) =>
        CheckLeaf(ReadFields(leafDer), out var id) is { } error ? throw Untrusted(error) : id;

    /// <summary>Says why a certificate is not an X509-SVID for a workload (X509-SVID sections 2, 4 and 5.2), or null.</summary>
    internal static string? CheckLeaf(CertificateFields leaf, out SpiffeId id)
    {
        id = default;
        if (leaf.UriNames is not [var uri])
        {
            return $"it has {leaf.UriNames.Length} URI SANs, not one";
        }

        if (!SpiffeId.TryParse(uri, out id))
        {
            return $"its URI SAN '{ErrorText.Cut(uri)}' is not a SPIFFE ID";
        }

        return leaf switch
        {
            _ when id.Path.IsEmpty => $"its SPIFFE ID {id} has no path",
            { IsCa: true } => "it is a CA certificate",
            { KeyUsage: null } => "it has no key usage",
            { KeyUsageIsCritical: false } => "its key usage is not critical",
            { KeyUsage: var usage } when !usage.Value.HasFlag(X509KeyUsageFlags.DigitalSignature) =>
                "its key usage lacks digitalSignature",
            { KeyUsage: var usage } when (usage & (X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) != 0 =>
                "its key usage has keyCertSign or cRLSign",
            { SubjectIsEmpty: true, SubjectAlternativeNameIsCritical: false } =>
                "its subject is empty and its SAN not critical",
            _ => PublicKeyBounds.Check(leaf.SubjectPublicKeyInfo),
        };
    }

    private static void BuildChain(
        X509Certificate2 leaf,
        X509Certificate2Collection others,
        TrustBundle bundle,
        SpiffeId id,
        DateTimeOffset now
    )
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(bundle.Roots);
        chain.ChainPolicy.ExtraStore.AddRange(others);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        try
        {
            if (!chain.Build(leaf))
            {
                var reasons = chain.ChainStatus.Select(static s => s.Status).Distinct();
                throw Untrusted($"its chain is not trusted: {string.Join(", ", reasons)}", id);
            }

            foreach (var element in chain.ChainElements.Skip(1))
            {
                var signer = ReadFields(element.Certificate);
                if (!signer.IsCa || signer.KeyUsage?.HasFlag(X509KeyUsageFlags.KeyCertSign) == false)
                {
                    throw Untrusted($"{element.Certificate.Subject} in its chain may not sign certificates", id);
                }
            }
        }
        catch (CryptographicException)
        {
            // Some certificates that are wrong make OpenSSL fail instead of answering: found by changing bytes of a good one.
            throw Untrusted("its chain cannot be built", id);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    private static X509Certificate2 Load(ReadOnlyMemory<byte> der)
    {
        // LoadCertificate takes PEM too, and bytes behind the certificate.
        if (der.Length <= CertificateFields.MaxLength && Pem.IsOneSequence(der.Span))
        {
            try
            {
                return X509CertificateLoader.LoadCertificate(der.Span);
            }
            catch (CryptographicException)
            {
                // Answered below.
            }
        }

        throw Untrusted("the chain has something that is not a certificate");
    }

    private static CertificateFields ReadFields(X509Certificate2 certificate) => ReadFields(certificate.RawDataMemory);

    private static CertificateFields ReadFields(ReadOnlyMemory<byte> der)
    {
        try
        {
            return CertificateFields.Read(der);
        }
        catch (MeshCaException e)
        {
            throw Untrusted(e.Message);
        }
    }

    private static MeshCaException Untrusted(string reason) =>
        new(ErrorKind.Unauthenticated, $"the peer's X509-SVID is refused: {reason}");

    private static MeshCaException Untrusted(string reason, SpiffeId id) =>
        new(ErrorKind.Unauthenticated, $"the X509-SVID {id} is refused: {reason}");
}
