using System.Security.Cryptography;
using MeshCA.Ca.Issuance;
using MeshCA.Signers;
using MeshCA.Signers.Crypto;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Authorities;

/// <summary>Makes CA certificates, by the same steps as leaves, and proves that they work.</summary>
internal sealed class CaCertificates(IIssuanceLedger ledger, IssuancePipeline pipeline, TimeProvider time)
{
    /// <summary>For verifiers whose clock is late; and no leaf's notBefore lies before its issuer's.</summary>
    private static readonly TimeSpan _backdating = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan _proofTtl = TimeSpan.FromMinutes(1);

    /// <summary>A self-signed certificate for <paramref name="signer"/>; or one by <paramref name="issuer"/>.</summary>
    public async Task<IssuingAuthority> IssueAsync(
        ISigner signer,
        TrustDomain trustDomain,
        TimeSpan ttl,
        IssuingAuthority? issuer,
        CancellationToken ct
    )
    {
        // 1. check.
        var issuedAt = Validity.Seconds(time.GetUtcNow());
        var validity = ValidityOf(issuedAt, ttl, issuer);
        var by = issuer?.Signer ?? signer;
        var scheme = SignatureSchemes.DefaultFor(by.KeyType);

        // 2. build, 3. lint.
        var serial = SerialNumber.Next();
        var key = signer.SubjectPublicKeyInfo;
        ReadOnlyMemory<byte> tbs = CaProfile.Write(key.Span, trustDomain, issuer, scheme, serial, validity);
        var token = CaLint.Check(tbs, by, scheme, key, trustDomain, issuer, issuedAt);

        // 4. audit "about to sign".
        var record = new IssuanceRecord
        {
            Kind = IssuanceKind.Authority,
            SerialNumber = serial,
            SpiffeId = trustDomain.Id,
            NotBefore = validity.NotBefore,
            NotAfter = validity.NotAfter,
            IssuedAt = issuedAt,
            AuthorityId = IdOf(by),
            Agent = ReservedIds.Server(trustDomain),
            EntryId = null,
        };
        await ledger.RecordIntentsAsync(new[] { record }, ct);
        IssuingAuthority authority;
        try
        {
            // 5. sign, 6. verify.
            var signature = await by.SignAsync(token.Redeem(by, tbs), scheme, ct)
                .AsTask()
                .WaitAsync(IssuancePipeline.SignTimeout, time, ct);
            var certificate = CertificateDer.Assemble(
                tbs.Span,
                SignatureSchemes.AlgorithmIdentifier(scheme).Span,
                signature,
                out var signed
            );
            RequireSignature(by, scheme, certificate.AsSpan(signed), signature);
            authority = new(signer, certificate, trustDomain, issuedAt, issuer);
        }
        catch (Exception e)
        {
            await ledger.RecordOutcomesAsync(new[] { record with { Failure = e.Message } }, CancellationToken.None);
            throw e is TimeoutException
                ? new MeshCaException(ErrorKind.Unavailable, $"signer '{by.Name}' did not answer in time", e)
                : e;
        }

        // 7. audit "signed".
        await ledger.RecordOutcomesAsync(new[] { record }, CancellationToken.None);
        return authority;
    }

    /// <summary>Issues a throw-away leaf and verifies its chain to the root with .NET's own eyes, before anyone relies on it.</summary>
    public async Task ProveAsync(IssuingAuthority authority, CancellationToken ct)
    {
        var csr = OwnKey.MakeCsr(out var key);
        key.Dispose();
        var leaf = await X509Issuer.IssueOneAsync(
            pipeline,
            authority,
            () => IssuanceRequest.ForProof(csr, authority.TrustDomain, _proofTtl),
            ct
        );
        var bundle = new TrustBundle(authority.TrustDomain, [authority.Root.Certificate]);
        try
        {
            X509SvidVerifier.Verify(leaf.Chain, [bundle], time.GetUtcNow());
        }
        catch (MeshCaException e)
        {
            throw new MeshCaException(
                ErrorKind.Internal,
                $"new CA certificate {authority.Id} is refused, since a leaf under it does not verify: {e.Message}",
                e
            );
        }
    }

    private static Validity ValidityOf(DateTimeOffset issuedAt, TimeSpan ttl, IssuingAuthority? issuer)
    {
        var (notBefore, notAfter) = (issuedAt - _backdating, Validity.Seconds(issuedAt + ttl));
        return issuer is null
            ? new(notBefore, notAfter, issuedAt)
            : new(
                notBefore < issuer.NotBefore ? issuer.NotBefore : notBefore,
                notAfter > issuer.NotAfter ? issuer.NotAfter : notAfter,
                issuedAt
            );
    }

    private static string IdOf(ISigner signer)
    {
        Span<byte> identifier = stackalloc byte[CertificateDer.KeyIdentifierLength];
        CertificateDer.KeyIdentifier(signer.SubjectPublicKeyInfo.Span, identifier);
        return Convert.ToHexStringLower(identifier);
    }

    private static void RequireSignature(
        ISigner signer,
        SignatureScheme scheme,
        ReadOnlySpan<byte> signed,
        ReadOnlySpan<byte> signature
    )
    {
        Span<byte> digest = stackalloc byte[SHA384.HashSizeInBytes];
        digest = digest[..SignatureSchemes.Digest(scheme, signed, digest)];
        if (
            !new SignatureVerifier(signer.SubjectPublicKeyInfo).Verify(
                digest,
                SignatureSchemes.HashOf(scheme),
                signature
            )
        )
        {
            throw new MeshCaException(
                ErrorKind.Unavailable,
                $"signer '{signer.Name}' gave a signature that is not one by its key; check the signer"
            );
        }
    }
}
