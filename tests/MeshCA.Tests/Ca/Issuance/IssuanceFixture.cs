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

/// <summary>A root with a fake signer, and a pipeline over a fake ledger.</summary>
internal sealed class IssuanceFixture : IAsyncDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly TrustDomain TrustDomain = TrustDomain.Parse("example.org");

    public static readonly SpiffeId Agent = ReservedIds.Agent(TrustDomain, "join_token", "1");

    private IssuanceFixture() => Pipeline = new(Ledger, Time, NullLogger<IssuancePipeline>.Instance);

    public FakeTimeProvider Time { get; } = new(Start);

    public FakeSigner Signer { get; } = new();

    public FakeLedger Ledger { get; } = new();

    public IssuancePipeline Pipeline { get; }

    public IssuingAuthority Authority { get; private set; } = null!;

    public static async Task<IssuanceFixture> CreateAsync(CancellationToken ct)
    {
        var fixture = new IssuanceFixture();
        fixture.Authority = await new CaCertificates(new FakeLedger(), fixture.Pipeline, fixture.Time).IssueAsync(
            fixture.Signer,
            TrustDomain,
            TimeSpan.FromDays(30),
            issuer: null,
            ct
        );
        return fixture;
    }

    public static RegistrationEntry Entry(string path, params string[] dnsNames) =>
        new()
        {
            Id = "0199c7a0-0000-7000-8000-000000000001",
            SpiffeId = SpiffeId.Of(TrustDomain, path),
            Selectors = [Selector.Parse("unix:uid:1000")],
            DnsNames = [.. dnsNames],
            CreatedAt = Start,
            Revision = 1,
        };

    public static byte[] Csr(ECDsa key, Action<CertificateRequest>? more = null)
    {
        var request = new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256);
        more?.Invoke(request);
        return request.CreateSigningRequest();
    }

    public static byte[] Csr()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Csr(key);
    }

    public Task<IssuanceOutcome[]> IssueAsync(IReadOnlyList<IssuanceOrder> orders, CancellationToken ct) =>
        X509Issuer.IssueAsync(Pipeline, Authority, orders, TimeSpan.FromHours(1), ct);

    public async ValueTask DisposeAsync()
    {
        Pipeline.Dispose();
        await Signer.DisposeAsync();
    }
}
