using System.Text;
using MeshCA.Sds;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Sds;

/// <summary>What is checked before it is sent, and what the agent learns of its clients.</summary>
public sealed class ContentTests : IAsyncLifetime
{
    private SdsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await SdsHost.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    public static TheoryData<string, string> BadIdentities() =>
        new()
        {
            { "key of another", "the private key is not the leaf's" },
            { "two URIs", "the leaf has 2 URI SANs, not one" },
            { "another URI", "the leaf's URI SAN is another SPIFFE ID" },
            { "CA", "the first certificate of the chain is a CA's" },
            { "no key", "the chain or the key cannot be decoded" },
            { "no chain", "the chain holds no certificate" },
            { "garbage chain", "the chain or the key cannot be decoded" },
            { "garbage after the chain", "the chain or the key cannot be decoded" },
            { "key in the chain", "the chain or the key cannot be decoded" },
        };

    [Theory]
    [MemberData(nameof(BadIdentities))]
    public async Task Identity_Invalid_NotSentAndTheLastGoodStays(string what, string reason)
    {
        var ct = TestContext.Current.CancellationToken;
        var good = _host.Source.Feed.Current!.Identities[0];
        var stream = _host.OpenSotw(ct);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        _host.SetIdentities(Bad(what));
        await stream.QuietAsync();

        var late = _host.OpenSotw(ct);
        await late.AskAsync(SdsHost.Workload);
        SecretText.IsIdentity(good, (await late.NextSecretsAsync())[SdsHost.Workload]);
        var alarm = Assert.Single(_host.Logs.GetSnapshot(), r => r.Level == LogLevel.Error);
        Assert.Contains(reason, alarm.Message, StringComparison.Ordinal);

        var next = _host.Own.Identity("/workload");
        _host.SetIdentities(next);
        SecretText.IsIdentity(next, (await stream.NextSecretsAsync())[SdsHost.Workload]);
    }

    [Fact]
    public async Task Identity_InvalidFromTheStart_HeldAndNotRemoved()
    {
        _host.SetIdentities(Bad("two URIs"));
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);

        await stream.ResumeAsync(
            new Dictionary<string, string>(StringComparer.Ordinal) { [SdsHost.Workload] = "what the client has" },
            SdsHost.Workload
        );

        await stream.QuietAsync();
    }

    [Fact]
    public async Task Bundle_WithoutRoots_NeverSent()
    {
        var current = _host.Source.Feed.Current!;
        _host.Source.Feed.Set(
            new SecretSnapshot
            {
                Identities = current.Identities,
                Bundle = new TrustBundle(TrustDomain.Parse("domain.test"), []),
                FederatedBundles = [new TrustBundle(TrustDomain.Parse("otherdomain.test"), [])],
            }
        );
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync("ROOTCA", "ALL", SdsHost.OtherBundle, "meshca:inbound");
        await stream.QuietAsync();

        _host.Source.Feed.Set(
            new SecretSnapshot
            {
                Identities = current.Identities,
                Bundle = current.Bundle,
                FederatedBundles = [new TrustBundle(TrustDomain.Parse("otherdomain.test"), [])],
            }
        );

        var secrets = await stream.NextSecretsAsync();
        Assert.Equal(["ALL", "ROOTCA", "meshca:inbound"], secrets.Keys);
        Assert.Equal("domain.test", Assert.Single(SecretText.Validator(secrets["ALL"]).TrustDomains).Name);
    }

    [Fact]
    public async Task Status_CountsStreamsAcksAndRefusalsOfThePresentContent()
    {
        var ct = TestContext.Current.CancellationToken;
        var streams = Enumerable.Range(0, 3).Select(_ => _host.OpenSotw(ct)).ToList();
        foreach (var stream in streams)
        {
            await stream.AskAsync("ROOTCA", "default", "not-there");
            await stream.NextAsync();
        }

        await streams[0].AckAsync("ROOTCA", "default", "not-there");
        await streams[1].NackAsync("no", "ROOTCA", "default", "not-there");

        await Eventually.TrueAsync(() => Rows() is [(3, 1, 1, "no"), (3, 1, 1, "no")]);

        // What all were sent before and one had accepted is still so; the new identity waits for its ACKs.
        _host.SetIdentities(_host.Own.Identity("/workload"));
        await streams[0].NextAsync();
        Assert.Equal([(3, 1, 1, "no"), (3, 0, 0, "")], Rows());

        await streams[0].AckAsync("ROOTCA", "default", "not-there");
        await Eventually.TrueAsync(() => Rows()[1] is (3, 1, 0, ""));

        List<(int Streams, int Acked, int Nacked, string Reason)> Rows() =>
            [.. _host.Server.GetStatus().Subscriptions.Select(s => (s.Streams, s.Acked, s.Nacked, s.NackReason))];
    }

    [Fact]
    public async Task Nack_LoggedAsAWarningWithoutSecrets()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        await stream.NackAsync(
            "Proto constraint validation failed\n(goo.gle/debugonly name: \"x\" -----BEGIN PRIVATE KEY-----\nMIGHAgEA",
            SdsHost.Workload
        );

        await Eventually.TrueAsync(() => _host.Logs.GetSnapshot().Any(r => r.Level == LogLevel.Warning));
        var warning = _host.Logs.GetSnapshot().Single(r => r.Level == LogLevel.Warning).Message;
        Assert.Contains("Proto constraint validation failed (", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("BEGIN", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("MIGH", warning, StringComparison.Ordinal);
    }

    private TlsIdentity Bad(string what)
    {
        var one = _host.Own.Identity("/workload");
        return what switch
        {
            "key of another" => With(one, key: _host.Own.Identity("/workload").PrivateKeyPem),
            "two URIs" => _host.Own.Identity("/workload", "spiffe://domain.test/other"),
            "another URI" => With(one, chain: _host.Own.Identity("/other").CertificateChainPem, key: one.PrivateKeyPem),
            "CA" => _host.Own.CaAsLeaf("/workload"),
            "no key" => With(one, key: ReadOnlyMemory<byte>.Empty),
            "no chain" => With(one, chain: ReadOnlyMemory<byte>.Empty),
            "garbage chain" => With(
                one,
                chain: Encoding.ASCII.GetBytes("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            ),
            "garbage after the chain" => With(
                one,
                chain: Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(one.CertificateChainPem.Span) + "garbage")
            ),
            "key in the chain" => With(
                one,
                chain: Encoding.ASCII.GetBytes(
                    Encoding.ASCII.GetString(one.CertificateChainPem.Span)
                        + Encoding.ASCII.GetString(one.PrivateKeyPem.Span)
                )
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };
    }

    private static TlsIdentity With(
        TlsIdentity identity,
        ReadOnlyMemory<byte>? chain = null,
        ReadOnlyMemory<byte>? key = null
    ) =>
        new()
        {
            SpiffeId = identity.SpiffeId,
            CertificateChainPem = chain ?? identity.CertificateChainPem,
            PrivateKeyPem = key ?? identity.PrivateKeyPem,
        };
}
