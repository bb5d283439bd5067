using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance;
using MeshCA.Signers;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;
using MeshCA.Testing.Ca;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MeshCA.Tests.Ca.Authorities;

public sealed class CaCertificatesTests : IDisposable
{
    private static readonly TrustDomain _trustDomain = TrustDomain.Parse("example.org");
    private static readonly DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, 500, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(_now);
    private readonly FakeLedger _ledger = new();
    private readonly IssuancePipeline _pipeline;
    private readonly CaCertificates _certificates;

    public CaCertificatesTests()
    {
        _pipeline = new(_ledger, _time, NullLogger<IssuancePipeline>.Instance);
        _certificates = new(_ledger, _pipeline, _time);
    }

    public static TheoryData<KeyType, KeyType> KeyTypes =>
        new()
        {
            { KeyType.EcP256, KeyType.EcP256 },
            { KeyType.EcP384, KeyType.EcP256 },
            { KeyType.Rsa2048, KeyType.EcP384 },
            { KeyType.EcP256, KeyType.Rsa2048 },
        };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _pipeline.Dispose();

    [Theory]
    [MemberData(nameof(KeyTypes))]
    public async Task Chain_IsAcceptedByTheBclAndByOpenssl(KeyType rootType, KeyType intermediateType)
    {
        var root = await RootAsync(rootType);
        var intermediate = await IntermediateAsync(root, intermediateType);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        var agent = ReservedIds.Agent(_trustDomain, "join_token", "1");

        var leaf = await X509Issuer.IssueOneAsync(
            _pipeline,
            intermediate,
            () => IssuanceRequest.ForAgent(agent, csr, _trustDomain, TimeSpan.FromHours(1)),
            Ct
        );

        await _certificates.ProveAsync(root, Ct);
        await _certificates.ProveAsync(intermediate, Ct);
        Assert.Equal(agent, X509SvidVerifier.Verify(leaf.Chain, [new(_trustDomain, [root.Certificate])], _now));
        await AssertOpensslAcceptsAsync(leaf.Chain[0], leaf.Chain[1], root.Certificate);
    }

    [Fact]
    public async Task Root_HasTheProfile()
    {
        var root = await RootAsync(KeyType.EcP256);

        using var certificate = X509CertificateLoader.LoadCertificate(root.Certificate.Span);
        Assert.Contains($"CN=MeshCA root {root.Id[..8]}", certificate.Subject, StringComparison.Ordinal);
        Assert.Contains("O=example.org", certificate.Subject, StringComparison.Ordinal);
        Assert.Equal(certificate.Subject, certificate.Issuer);
        Assert.True(root.NotBefore <= _now - TimeSpan.FromMinutes(2));
        Assert.Equal(new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero), root.NotAfter);
        var constraints = Assert.Single(certificate.Extensions.OfType<X509BasicConstraintsExtension>());
        Assert.True(constraints is { Critical: true, CertificateAuthority: true, HasPathLengthConstraint: false });
        var identifier = Assert.Single(certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>());
        Assert.Equal(root.Id, identifier.SubjectKeyIdentifier!.ToLowerInvariant());
        var fields = CertificateFields.Read(root.Certificate);
        Assert.Equal(["spiffe://example.org"], fields.UriNames);
        Assert.Equal(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, fields.KeyUsage);
        Assert.True(fields.KeyUsageIsCritical);
        Assert.Null(fields.ExtendedKeyUsages);
    }

    [Fact]
    public async Task Intermediate_HasTheProfileAndDoesNotOutliveTheRoot()
    {
        var root = await RootAsync(KeyType.EcP256);

        var intermediate = await IntermediateAsync(root, KeyType.EcP256);

        using var certificate = X509CertificateLoader.LoadCertificate(intermediate.Certificate.Span);
        var constraints = Assert.Single(certificate.Extensions.OfType<X509BasicConstraintsExtension>());
        Assert.True(constraints is { Critical: true, CertificateAuthority: true, PathLengthConstraint: 0 });
        var issuer = Assert.Single(certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>());
        Assert.Equal(root.Id, Convert.ToHexStringLower(issuer.KeyIdentifier!.Value.Span));
        Assert.Equal(new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero), intermediate.NotAfter);
        Assert.Equal([intermediate.Certificate], intermediate.Intermediates);

        _time.Advance(TimeSpan.FromDays(364.5));
        Assert.Equal(root.NotAfter, (await IntermediateAsync(root, KeyType.EcP256)).NotAfter);
    }

    [Fact]
    public async Task Root_EndsAfter2049_IsReadBackAsWritten()
    {
        var root = await RootAsync(KeyType.EcP256, _trustDomain, TimeSpan.FromDays(50 * 365));

        Assert.Equal(new(2076, 2, 17, 12, 0, 0, TimeSpan.Zero), root.NotAfter);
        await _certificates.ProveAsync(root, Ct);
    }

    [Fact]
    public async Task Root_TrustDomainLongerThanAnOrganizationMayBe_IsCut()
    {
        var root = await RootAsync(KeyType.EcP256, TrustDomain.Parse(new string('a', 255)), TimeSpan.FromDays(1));

        using var certificate = X509CertificateLoader.LoadCertificate(root.Certificate.Span);
        Assert.Contains($"O={new string('a', 64)}", certificate.Subject, StringComparison.Ordinal);
        Assert.DoesNotContain(new string('a', 65), certificate.Subject, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_SignatureIsNotByTheKey_IsRefusedAndRecorded()
    {
        await using var signer = new FakeSigner { Tamper = s => [.. s[..^1], (byte)(s[^1] ^ 1)] };

        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            _certificates.IssueAsync(signer, _trustDomain, TimeSpan.FromDays(1), issuer: null, Ct)
        );

        Assert.Equal("signer 'fake' gave a signature that is not one by its key; check the signer", error.Message);
        Assert.Equal(error.Message, Assert.Single(_ledger.Outcomes).Failure);
    }

    [Fact]
    public async Task Prove_ChainDoesNotLeadToTheRoot_IsRefused()
    {
        var intermediate = await IntermediateAsync(await RootAsync(KeyType.EcP256), KeyType.EcP256);
        var misplaced = new IssuingAuthority(
            intermediate.Signer,
            intermediate.Certificate,
            _trustDomain,
            intermediate.IssuedAt,
            await RootAsync(KeyType.EcP256)
        );

        var error = await Assert.ThrowsAsync<MeshCaException>(() => _certificates.ProveAsync(misplaced, Ct));

        Assert.StartsWith(
            $"new CA certificate {misplaced.Id} is refused, since a leaf under it does not verify: ",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Authority_KeyIsNotTheCertificates_IsRefused()
    {
        var root = await RootAsync(KeyType.EcP256);
        await using var other = MemorySigner.Create("other", KeyType.EcP256);

        var error = Assert.Throws<MeshCaException>(() =>
            new IssuingAuthority(other, root.Certificate, _trustDomain, root.IssuedAt, issuer: null)
        );

        Assert.StartsWith(
            "signer 'other': its key is not that of the CA certificate with serial number ",
            error.Message,
            StringComparison.Ordinal
        );
    }

    private Task<IssuingAuthority> RootAsync(KeyType keyType) =>
        RootAsync(keyType, _trustDomain, TimeSpan.FromDays(365));

    private Task<IssuingAuthority> RootAsync(KeyType keyType, TrustDomain trustDomain, TimeSpan ttl) =>
        _certificates.IssueAsync(MemorySigner.Create("root", keyType), trustDomain, ttl, issuer: null, Ct);

    private Task<IssuingAuthority> IntermediateAsync(IssuingAuthority root, KeyType keyType) =>
        _certificates.IssueAsync(
            MemorySigner.Create("intermediate", keyType),
            _trustDomain,
            TimeSpan.FromDays(1),
            root,
            Ct
        );

    private static async Task AssertOpensslAcceptsAsync(params ReadOnlyMemory<byte>[] chain)
    {
        var directory = Directory.CreateTempSubdirectory("meshca-openssl-");
        try
        {
            string[] names = ["leaf.pem", "intermediate.pem", "root.pem"];
            for (var i = 0; i < names.Length; i++)
            {
                await File.WriteAllTextAsync(
                    Path.Combine(directory.FullName, names[i]),
                    Pem.EncodeCertificates([chain[i]]),
                    Ct
                );
            }

            using var process = Process.Start(
                new ProcessStartInfo("openssl")
                {
                    WorkingDirectory = directory.FullName,
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    ArgumentList =
                    {
                        "verify",
                        "-x509_strict",
                        "-attime",
                        _now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
                        "-CAfile",
                        "root.pem",
                        "-untrusted",
                        "intermediate.pem",
                        "leaf.pem",
                    },
                }
            )!;
            var output = process.StandardOutput.ReadToEndAsync(Ct);
            var error = process.StandardError.ReadToEndAsync(Ct);
            await process.WaitForExitAsync(Ct);
            Assert.Equal("leaf.pem: OK\n", await output + await error);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
