using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Issuance;
using MeshCA.Spiffe;
using MeshCA.Testing.Ca;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MeshCA.Tests.Ca.Issuance;

public sealed class X509IssuerTests : IAsyncLifetime
{
    private static readonly DateTimeOffset _start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SpiffeId _agent = SpiffeId.Parse("spiffe://example.org/meshca/agent/join_token/1");

    private readonly FakeTimeProvider _time = new(_start);
    private readonly FakeSigner _signer = new();
    private readonly FakeLedger _ledger = new();
    private readonly IssuancePipeline _pipeline;
    private IssuingAuthority _authority = null!;

    public X509IssuerTests() => _pipeline = new(_ledger, _time, NullLogger<IssuancePipeline>.Instance);

    public async ValueTask InitializeAsync()
    {
        var certificates = new CaCertificates(new FakeLedger(), _pipeline, _time);
        _authority = await certificates.IssueAsync(
            _signer,
            TrustDomain.Parse("example.org"),
            TimeSpan.FromDays(30),
            issuer: null,
            TestContext.Current.CancellationToken
        );
    }

    public async ValueTask DisposeAsync()
    {
        _pipeline.Dispose();
        await _signer.DisposeAsync();
    }

    [Fact]
    public async Task Issue_P256_CertificateFollowsTheProfile()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var entry = Entry("spiffe://example.org/web", "web.example.org", "*.web.example.org");

        var certificate = await IssueOneAsync(entry, Csr(key), ct);

        Assert.Equal(_start.AddMinutes(-2).UtcDateTime, certificate.NotBefore.ToUniversalTime());
        Assert.Equal(_start.AddHours(1).UtcDateTime, certificate.NotAfter.ToUniversalTime());
        Assert.Equal("", certificate.Subject);
        Assert.Equal(32, certificate.SerialNumber.Length);
        Assert.True(certificate.SerialNumberBytes.Span[0] < 0x80);
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), certificate.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(6, certificate.Extensions.Count);
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().Single();
        Assert.Equal((X509KeyUsageFlags.DigitalSignature, true), (usage.KeyUsages, usage.Critical));
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal(
            ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
            certificate
                .Extensions.OfType<X509EnhancedKeyUsageExtension>()
                .Single()
                .EnhancedKeyUsages.Cast<Oid>()
                .Select(o => o.Value!)
        );
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        Assert.True(names.Critical);
        Assert.Equal(["web.example.org", "*.web.example.org"], names.EnumerateDnsNames());
        Assert.Equal("spiffe://example.org/web", X509SvidVerifier.ReadId(certificate.RawDataMemory).ToString());
        Assert.Equal(
            _authority.Id,
            Convert.ToHexStringLower(
                certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().Single().KeyIdentifier!.Value.Span
            )
        );
        var bundle = new TrustBundle(TrustDomain.Parse("example.org"), [_authority.Certificate]);
        Assert.Equal(entry.SpiffeId, X509SvidVerifier.Verify([certificate.RawDataMemory], [bundle], _start));
    }

    [Fact]
    public async Task Issue_CsrAsksForMore_OnlyItsKeyIsTaken()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = Csr(
            key,
            request =>
            {
                var names = new SubjectAlternativeNameBuilder();
                names.AddUri(new("spiffe://example.org/admin"));
                names.AddDnsName("evil.example.org");
                request.CertificateExtensions.Add(names.Build());
                request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
                request.CertificateExtensions.Add(new X509Extension("1.2.3.4", [5, 0], critical: true));
            }
        );

        var certificate = await IssueOneAsync(Entry("spiffe://example.org/web"), csr, ct);

        Assert.Equal("spiffe://example.org/web", X509SvidVerifier.ReadId(certificate.RawDataMemory).ToString());
        Assert.Empty(certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal(6, certificate.Extensions.Count);
    }

    [Fact]
    public async Task Issue_RsaAndP384_AreAccepted()
    {
        var ct = TestContext.Current.CancellationToken;
        using var rsa = RSA.Create(2048);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var rsaCsr = new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var p384Csr = new CertificateRequest("CN=x", p384, HashAlgorithmName.SHA384);

        var ofRsa = await IssueOneAsync(Entry("spiffe://example.org/r"), rsaCsr.CreateSigningRequest(), ct);
        var ofP384 = await IssueOneAsync(Entry("spiffe://example.org/e"), p384Csr.CreateSigningRequest(), ct);

        Assert.Equal(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment,
            ofRsa.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages
        );
        Assert.Equal(p384.ExportSubjectPublicKeyInfo(), ofP384.PublicKey.ExportSubjectPublicKeyInfo());
    }

    public static TheoryData<string, byte[], string> BadCsrs()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        using var weak = RSA.Create(1024);
        var good = Csr(key);
        byte[] bad = [.. good];
        bad[^1] ^= 1;
        var offCurve = (byte[])good.Clone();
        offCurve[OffsetOfPoint(good, key) + 40] ^= 1;
        return new()
        {
            { "empty", [], "it has 0 bytes, not 1 to 8192" },
            { "oversized", new byte[8193], "it has 8193 bytes, not 1 to 8192" },
            { "rubbish", [1, 2, 3], "it is not a PKCS#10 request in DER" },
            { "bytes follow", [.. good, 0], "it is not a PKCS#10 request in DER" },
            { "cut", good[..^1], "it is not a PKCS#10 request in DER" },
            { "signature", bad, "its signature is not one by its own key" },
            { "off curve", offCurve, "its signature is not one by its own key" },
            {
                "P-521",
                new CertificateRequest("CN=x", p521, HashAlgorithmName.SHA512).CreateSigningRequest(),
                "its key is none of EC P-256 and P-384, uncompressed, and RSA 2048 to 4096"
            },
            {
                "RSA-1024",
                new CertificateRequest(
                    "CN=x",
                    weak,
                    HashAlgorithmName.SHA256,
                    RSASignaturePadding.Pkcs1
                ).CreateSigningRequest(),
                "the RSA key has 1024 bits, not 2048 to 4096"
            },
            { "RSA giant", RsaCsr(BigInteger.One << 16383 | 1, 65537), "the RSA key has 16384 bits, not 2048 to 4096" },
            { "RSA e=3", RsaCsr(BigInteger.One << 2047 | 1, 3), "its RSA key has a public exponent below 65537" },
            {
                "RSA even e",
                RsaCsr(BigInteger.One << 2047 | 1, 65538),
                "the RSA key's public exponent is not an odd number from 3 to 32 bits"
            },
        };
    }

    [Theory]
    [MemberData(nameof(BadCsrs), DisableDiscoveryEnumeration = true)]
    public async Task Issue_BadCsr_IsRefusedAndTheOthersAreNot(string name, byte[] csr, string reason)
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var entry = Entry("spiffe://example.org/web");

        var outcomes = await IssueAsync(
            [new(entry, _agent, Csr(key)), new(entry, _agent, csr), new(entry, _agent, Csr(key))],
            ct
        );

        Assert.NotNull(name);
        Assert.Equal("the CSR is refused: " + reason, outcomes[1].Error!.Message);
        Assert.Equal(ErrorKind.Malformed, outcomes[1].Error!.Kind);
        Assert.Null(outcomes[1].Certificate);
        Assert.NotNull(outcomes[0].Certificate);
        Assert.NotNull(outcomes[2].Certificate);
        Assert.Equal(2, _ledger.Issued.Count());
    }

    [Fact]
    public async Task Issue_ManyInOneBatch_EachAnswerIsForItsOwnOrder()
    {
        var ct = TestContext.Current.CancellationToken;
        var keys = Enumerable.Range(0, 200).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256)).ToArray();
        var orders = keys.Select((k, i) => new IssuanceOrder(Entry($"spiffe://example.org/w/{i}"), _agent, Csr(k)))
            .ToArray();

        var outcomes = await IssueAsync(orders, ct);

        for (var i = 0; i < outcomes.Length; i++)
        {
            using var certificate = X509CertificateLoader.LoadCertificate(outcomes[i].Certificate!);
            Assert.Equal(orders[i].Entry.SpiffeId, X509SvidVerifier.ReadId(certificate.RawDataMemory));
            Assert.Equal(keys[i].ExportSubjectPublicKeyInfo(), certificate.PublicKey.ExportSubjectPublicKeyInfo());
            keys[i].Dispose();
        }

        Assert.Equal(200, _ledger.Issued.Select(r => r.SerialNumber).Distinct().Count());
    }

    [Fact]
    public async Task Issue_SlowSigner_SignsInParallel()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = Csr(key);
        var inFlight = 0;
        var most = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _signer.Before = async _ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inFlight));
            if (inFlight >= 50)
            {
                gate.TrySetResult();
            }

            await gate.Task;
            Interlocked.Decrement(ref inFlight);
        };
        var orders = Enumerable
            .Range(0, 120)
            .Select(i => new IssuanceOrder(Entry($"spiffe://example.org/w/{i}"), _agent, csr));

        var outcomes = await IssueAsync([.. orders], ct);

        Assert.All(outcomes, o => Assert.Null(o.Error));
        Assert.True(most >= 50, $"{most} at once");
    }

    [Fact]
    public async Task Issue_IntentIsWrittenBeforeTheSignerIsCalled()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var intentsAtSigning = -1;
        _signer.Before = _ =>
        {
            intentsAtSigning = _ledger.Intents.Count;
            Assert.Empty(_ledger.Issued);
            return Task.CompletedTask;
        };

        await IssueOneAsync(Entry("spiffe://example.org/web"), Csr(key), ct);

        Assert.Equal(1, intentsAtSigning);
        Assert.Equal(_ledger.Intents[0].SerialNumber, _ledger.Issued.Single().SerialNumber);
    }

    [Fact]
    public async Task Issue_IntentCannotBeWritten_NothingIsSigned()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signatures = _signer.Signatures;
        _ledger.IntentsFail = new MeshCaException(ErrorKind.Unavailable, "the disk is full");

        await Assert.ThrowsAsync<MeshCaException>(() =>
            IssueAsync([new(Entry("spiffe://example.org/web"), _agent, Csr(key))], ct)
        );

        Assert.Equal(signatures, _signer.Signatures);
    }

    [Fact]
    public async Task Issue_LedgerCannotBeWritten_NothingIsGivenOut()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _ledger.OutcomesFail = new MeshCaException(ErrorKind.Unavailable, "the disk is full");

        var e = await Assert.ThrowsAsync<MeshCaException>(() =>
            IssueAsync([new(Entry("spiffe://example.org/web"), _agent, Csr(key))], ct)
        );

        Assert.Equal("the disk is full", e.Message);
    }

    [Fact]
    public async Task Issue_SignerAnswersWrongly_IsNotGivenOut()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _signer.Tamper = s =>
        {
            s[^1] ^= 1;
            return s;
        };

        var outcomes = await IssueAsync([new(Entry("spiffe://example.org/web"), _agent, Csr(key))], ct);

        Assert.Equal(ErrorKind.Unavailable, outcomes[0].Error!.Kind);
        Assert.Empty(_ledger.Issued);
        Assert.Contains("not one by its key", Assert.Single(_ledger.Outcomes).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Issue_TtlPastTheAuthority_EndsWithIt()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var entry = Entry("spiffe://example.org/web") with { X509SvidTtl = TimeSpan.FromDays(365) };

        var certificate = await IssueOneAsync(entry, Csr(key), ct);

        Assert.Equal(_authority.NotAfter.UtcDateTime, certificate.NotAfter.ToUniversalTime());
    }

    [Fact]
    public async Task Issue_AuthorityExpired_IsUnavailable()
    {
        var ct = TestContext.Current.CancellationToken;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _time.Advance(TimeSpan.FromDays(31));

        var outcomes = await IssueAsync([new(Entry("spiffe://example.org/web"), _agent, Csr(key))], ct);

        Assert.Equal(ErrorKind.Unavailable, outcomes[0].Error!.Kind);
    }

    private static int OffsetOfPoint(byte[] csr, ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q.X!;
        return csr.AsSpan().IndexOf(point) - 1;
    }

    private static byte[] Csr(ECDsa key, Action<CertificateRequest>? more = null)
    {
        var request = new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256);
        more?.Invoke(request);
        return request.CreateSigningRequest();
    }

    /// <summary>A request whose RSA key nobody has: it must be refused before its signature is looked at.</summary>
    private static byte[] RsaCsr(BigInteger modulus, int exponent)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
                using (writer.PushSequence()) { }

                using (writer.PushSequence())
                {
                    using (writer.PushSequence())
                    {
                        writer.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                        writer.WriteNull();
                    }

                    var key = new AsnWriter(AsnEncodingRules.DER);
                    using (key.PushSequence())
                    {
                        key.WriteInteger(modulus);
                        key.WriteInteger(exponent);
                    }

                    writer.WriteBitString(key.Encode());
                }
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.1.11");
                writer.WriteNull();
            }

            writer.WriteBitString(new byte[256]);
        }

        return writer.Encode();
    }

    private static RegistrationEntry Entry(string spiffeId, params string[] dnsNames) =>
        new()
        {
            Id = "0199c7a0-0000-7000-8000-000000000001",
            SpiffeId = SpiffeId.Parse(spiffeId),
            Selectors = [Selector.Parse("unix:uid:1000")],
            DnsNames = [.. dnsNames],
            CreatedAt = _start,
            Revision = 1,
        };

    private Task<IssuanceOutcome[]> IssueAsync(IReadOnlyList<IssuanceOrder> orders, CancellationToken ct) =>
        X509Issuer.IssueAsync(_pipeline, _authority, orders, TimeSpan.FromHours(1), ct);

    private async Task<X509Certificate2> IssueOneAsync(RegistrationEntry entry, byte[] csr, CancellationToken ct)
    {
        var outcome = Assert.Single(await IssueAsync([new(entry, _agent, csr)], ct));
        Assert.Null(outcome.Error);
        return X509CertificateLoader.LoadCertificate(outcome.Certificate!);
    }
}
