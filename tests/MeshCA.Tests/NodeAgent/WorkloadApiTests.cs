using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Peers;
using MeshCA.NodeAgent.Svids;
using MeshCA.Spiffe;
using MeshCA.Testing.NodeAgent;
using Microsoft.Extensions.DependencyInjection;

namespace MeshCA.Tests.NodeAgent;

/// <summary>The X.509 cases of workload-api.json (made from SPIRE's handler and endpoint tests), over a real Unix socket.</summary>
public sealed class WorkloadApiTests : AgentTests
{
    public static TheoryData<string[], string> HeaderCases()
    {
        var cases = new TheoryData<string[], string>();
        using var vectors = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "NodeAgent", "Vectors", "workload-api.json"))
        );
        foreach (var row in vectors.RootElement.GetProperty("header").EnumerateArray())
        {
            var values = row.GetProperty("metadata").TryGetProperty("workload.spiffe.io", out var given)
                ? given.EnumerateArray().Select(v => v.GetString()!).ToArray()
                : [];
            cases.Add(values, row.GetProperty("expect").GetString()!);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(HeaderCases))]
    public async Task Header_AsGiven_PassesOnlyWhenExactlyTrue(string[] values, string expect)
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        var metadata = new Metadata();
        foreach (var value in values)
        {
            metadata.Add("workload.spiffe.io", value);
        }

        using var call = Client().FetchX509SVID(new(), metadata, cancellationToken: Ct);

        if (expect == "pass")
        {
            Assert.Single((await NextAsync(call)).Svids);
        }
        else
        {
            var failure = await FailureAsync(call);
            Assert.Equal(Enum.Parse<StatusCode>(expect), failure.StatusCode);
            Assert.Equal("security header missing from request", failure.Status.Detail);
        }
    }

    [Fact]
    public async Task FetchX509Svid_NoIdentity_PermissionDenied()
    {
        Server.AddEntry("spiffe://example.org/other", "unix:uid:4294967294");
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();
        var failure = await FailureAsync(call);

        Assert.Equal(StatusCode.PermissionDenied, failure.StatusCode);
        Assert.Equal("no identity issued", failure.Status.Detail);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fetch_AttestationFails_Unavailable(bool bundles)
    {
        ErrorsExpected = true;
        await StartSyncedAgentAsync(s => s.AddSingleton<IWorkloadAttestor, FailingAttestor>());

        var failure = bundles
            ? await FailureAsync(Client().FetchX509Bundles(new(), Header, cancellationToken: Ct))
            : await FailureAsync(FetchX509Svid());

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Equal("workload attestation failed", failure.Status.Detail);
        Assert.Contains(Agent!.Logs, l => l.Text.Contains("the proc file system is on fire", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FetchX509Svid_OneIdentityOneFederatedBundle_HasAllFields()
    {
        using var other = new TestCa("other.example");
        Server.SetFederatedBundle(other.Bundle);
        Server.AddEntry(
            e =>
            {
                e.SpiffeId = "spiffe://example.org/web";
                e.Hint = "internal";
                e.FederatesWith.Add("other.example");
            },
            OwnUidSelector
        );
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();
        var response = await NextAsync(call);

        var svid = Assert.Single(response.Svids);
        Assert.Equal("spiffe://example.org/web", svid.SpiffeId);
        Assert.Equal("internal", svid.Hint);
        Assert.Equal(Server.Ca.Root.ToArray(), svid.Bundle.ToByteArray());
        Assert.Equal(
            "spiffe://example.org/web",
            X509SvidVerifier
                .Verify([svid.X509Svid.Memory], [Server.Ca.Bundle], TimeProvider.System.GetUtcNow())
                .ToString()
        );
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(svid.X509SvidKey.Span, out _);
        using var leaf = X509CertificateLoader.LoadCertificate(svid.X509Svid.Span);
        Assert.Equal(leaf.PublicKey.ExportSubjectPublicKeyInfo(), key.ExportSubjectPublicKeyInfo());
        var federated = Assert.Single(response.FederatedBundles);
        Assert.Equal("spiffe://other.example", federated.Key);
        Assert.Equal(other.Root.ToArray(), federated.Value.ToByteArray());
        Assert.Empty(response.Crl);
    }

    [Fact]
    public async Task FetchX509Svid_TwoIdentities_InOrderOfEntryId()
    {
        Server.AddEntry("spiffe://example.org/z-first", OwnUidSelector);
        Server.AddEntry("spiffe://example.org/a-second", OwnUidSelector);
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();

        Assert.Equal(["spiffe://example.org/z-first", "spiffe://example.org/a-second"], Ids(await NextAsync(call)));
    }

    [Fact]
    public async Task FetchX509Svid_TwoEntriesWithOneSpiffeId_OldestIsServed()
    {
        Server.AddEntry(e => (e.SpiffeId, e.Hint) = ("spiffe://example.org/web", "old"), OwnUidSelector);
        Server.AddEntry(e => (e.SpiffeId, e.Hint) = ("spiffe://example.org/web", "new"), OwnUidSelector);
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();

        Assert.Equal("old", Assert.Single((await NextAsync(call)).Svids).Hint);
    }

    [Fact]
    public async Task FetchX509Svid_DuplicateHints_OldestCreatedKeepsIt()
    {
        Server.AddEntry(
            e => (e.SpiffeId, e.Hint, e.CreatedAtMs) = ("spiffe://example.org/younger", "internal", 2_000),
            OwnUidSelector
        );
        Server.AddEntry(
            e => (e.SpiffeId, e.Hint, e.CreatedAtMs) = ("spiffe://example.org/older", "internal", 1_000),
            OwnUidSelector
        );
        Server.AddEntry(
            e => (e.SpiffeId, e.Hint, e.CreatedAtMs) = ("spiffe://example.org/older-too", "internal", 1_000),
            OwnUidSelector
        );
        Server.AddEntry("spiffe://example.org/plain", OwnUidSelector);
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();

        Assert.Equal(["spiffe://example.org/older", "spiffe://example.org/plain"], Ids(await NextAsync(call)));
        await WaitAsync(() => Agent!.Logs.Any(l => l.Text.Contains("hint", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task FetchX509Bundles_NoIdentity_PermissionDenied()
    {
        await StartSyncedAgentAsync();

        var failure = await FailureAsync(Client().FetchX509Bundles(new(), Header, cancellationToken: Ct));

        Assert.Equal(StatusCode.PermissionDenied, failure.StatusCode);
        Assert.Equal("no identity issued", failure.Status.Detail);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fetch_UpdateWithoutBundle_Unavailable(bool bundles)
    {
        ErrorsExpected = true;
        Server.SetOwnBundle(new(Server.Ca.TrustDomain, [], sequenceNumber: 2));
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        Server.OwnBundleInSyncOnly = true;
        await StartSyncedAgentAsync();

        var failure = bundles
            ? await FailureAsync(Client().FetchX509Bundles(new(), Header, cancellationToken: Ct))
            : await FailureAsync(FetchX509Svid());

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Equal("could not serialize response: bundle not available", failure.Status.Detail);
    }

    [Fact]
    public async Task FetchX509Bundles_IdentityAndFederatedBundles_OwnAndFederated()
    {
        using var other = new TestCa("other.example");
        using var unrelated = new TestCa("unrelated.example");
        Server.SetFederatedBundle(other.Bundle);
        Server.SetFederatedBundle(unrelated.Bundle);
        Server.AddEntry(
            e =>
            {
                e.SpiffeId = "spiffe://example.org/web";
                e.FederatesWith.Add("other.example");
            },
            OwnUidSelector
        );
        await StartSyncedAgentAsync();

        using var call = Client().FetchX509Bundles(new(), Header, cancellationToken: Ct);
        var bundles = (await NextAsync(call)).Bundles;

        Assert.Equal(2, bundles.Count);
        Assert.Equal(other.Root.ToArray(), bundles["spiffe://other.example"].ToByteArray());
        Assert.Equal(Server.Ca.Root.ToArray(), bundles["spiffe://example.org"].ToByteArray());
    }

    [Fact]
    public async Task FetchX509Bundles_SeveralUpdatesAndSpuriousOnes_OneMessageForEachChange()
    {
        using var second = new TestCa("example.org");
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = Client().FetchX509Bundles(new(), Header, cancellationToken: Ct);
        await NextAsync(call);

        Server.SetOwnBundle(new(Server.Ca.TrustDomain, [Server.Ca.Root, second.Root], sequenceNumber: 2));
        var changed = await NextAsync(call);
        Server.PushNothing();
        var silent = await IsSilentAsync(call);

        Assert.Equal(Server.Ca.Root.Length + second.Root.Length, changed.Bundles["spiffe://example.org"].Length);
        Assert.True(silent);
    }

    [Fact]
    public async Task FetchX509Svid_SpuriousUpdate_NothingIsSent()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);

        Server.PushNothing();
        Server.AddEntry("spiffe://example.org/other", "unix:uid:4294967294");

        Assert.True(await IsSilentAsync(call));
    }

    [Fact]
    public async Task FetchX509Svid_LastIdentityWithdrawn_PermissionDenied()
    {
        var first = Server.AddEntry("spiffe://example.org/first", OwnUidSelector);
        var second = Server.AddEntry("spiffe://example.org/second", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        Assert.Equal(2, (await NextAsync(call)).Svids.Count);

        Server.RemoveEntry(first.Id);
        Assert.Equal(["spiffe://example.org/second"], Ids(await NextAsync(call)));
        Server.RemoveEntry(second.Id);
        var failure = await FailureAsync(call);

        Assert.Equal(StatusCode.PermissionDenied, failure.StatusCode);
        Assert.Equal("no identity issued", failure.Status.Detail);
    }

    [Fact]
    public async Task FetchX509Svid_EntryCreatedAndSelectorsChanged_ArrivesAndLeaves()
    {
        Server.AddEntry("spiffe://example.org/base", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);

        var added = Server.AddEntry("spiffe://example.org/added", OwnUidSelector);
        Assert.Equal(2, (await NextAsync(call)).Svids.Count);
        Server.UpdateEntry(
            added,
            e =>
            {
                e.Selectors.Clear();
                e.Selectors.Add("unix:uid:4294967294");
            }
        );

        Assert.Equal(["spiffe://example.org/base"], Ids(await NextAsync(call)));
    }

    [Fact]
    public async Task OtherProfiles_AnyCall_Unimplemented()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        var client = Client();

        RpcException[] failures =
        [
            await FailureAsync(client.FetchWITSVID(new(), Header, cancellationToken: Ct)),
            await FailureAsync(client.FetchWITBundles(new(), Header, cancellationToken: Ct)),
            await FailureAsync(client.FetchJWTBundles(new(), Header, cancellationToken: Ct)),
            await Assert.ThrowsAsync<RpcException>(async () =>
                await client.FetchJWTSVIDAsync(new() { Audience = { "a" } }, Header, cancellationToken: Ct)
            ),
            await Assert.ThrowsAsync<RpcException>(async () =>
                await client.ValidateJWTSVIDAsync(new() { Audience = "a", Svid = "t" }, Header, cancellationToken: Ct)
            ),
        ];

        Assert.All(failures, f => Assert.Equal(StatusCode.Unimplemented, f.StatusCode));
        var headerless = await FailureAsync(client.FetchJWTBundles(new(), cancellationToken: Ct));
        Assert.Equal(StatusCode.InvalidArgument, headerless.StatusCode);
    }

    [Fact]
    public async Task Endpoint_Reflection_ListsAllServicesWithoutHeader()
    {
        await StartSyncedAgentAsync();
        using var channel = Agent!.Connect();
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo(
            cancellationToken: Ct
        );

        await call.RequestStream.WriteAsync(new() { ListServices = "" }, Ct);
        Assert.True(await call.ResponseStream.MoveNext(Ct));

        var services = call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name);
        Assert.Equal(
            [
                "SpiffeWorkloadAPI",
                "envoy.service.secret.v3.SecretDiscoveryService",
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            ],
            services.Order(StringComparer.Ordinal).ToArray()
        );
    }

    [Fact]
    public async Task Endpoint_Health_ServesWithoutHeader()
    {
        await StartSyncedAgentAsync();
        using var channel = Agent!.Connect();

        var health = await new Health.HealthClient(channel).CheckAsync(new(), cancellationToken: Ct);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task Request_TooLarge_ResourceExhausted()
    {
        await StartSyncedAgentAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
            await Client()
                .FetchJWTSVIDAsync(new() { Audience = { new string('a', 70_000) } }, Header, cancellationToken: Ct)
        );

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
    }

    [Fact]
    public async Task FetchX509Svid_ServerCannotIssueOne_OthersAreServed()
    {
        Server.IssueErrors["spiffe://example.org/bad"] = new()
        {
            Code = (int)StatusCode.InvalidArgument,
            Message = "no",
        };
        Server.AddEntry("spiffe://example.org/bad", OwnUidSelector);
        Server.AddEntry("spiffe://example.org/good", OwnUidSelector);
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();

        Assert.Equal(["spiffe://example.org/good"], Ids(await NextAsync(call)));
        Assert.Contains(Agent!.Logs, l => l.Text.Contains("spiffe://example.org/bad", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FetchX509Svid_ServerIssuesAnotherName_IsNotServed()
    {
        Server.IssueInstead["spiffe://example.org/web"] = "spiffe://example.org/admin";
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();

        using var call = FetchX509Svid();

        Assert.True(await IsSilentAsync(call));
    }

    [Fact]
    public async Task FetchX509Svid_AgentStops_UnavailableSoThatClientsComeBack()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);

        var stopping = Agent!.StopAsync();
        var failure = await FailureAsync(call);
        await stopping;

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.False(File.Exists(Agent.Options.SocketPath));
    }

    [Fact]
    public async Task FetchX509Svid_OtherUid_HasItsOwnIdentity()
    {
        Server.AddEntry("spiffe://example.org/daemon", "unix:uid:1");
        Server.AddEntry("spiffe://example.org/own", OwnUidSelector);
        await StartSyncedAgentAsync();
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "another uid needs root");
        var attestor = Agent!.Services.GetRequiredService<PeerAttestor>();
        await using var child = await Peers.ChildPeer.StartAsync(
            Ct,
            ["/usr/bin/setpriv", "--reuid=1", "--regid=1", "--clear-groups"]
        );

        var view = Agent.Services.GetRequiredService<IdentityCache>().Open(await attestor.AttestAsync(child.Peer, Ct));
        await WaitAsync(() => view.Current is { IsReady: true });

        Assert.Equal("spiffe://example.org/daemon", Assert.Single(view.Current!.Identities).Svid.SpiffeId.ToString());
    }

    private sealed class FailingAttestor : IWorkloadAttestor
    {
        public ValueTask AttestAsync(Peer peer, ICollection<Selector> selectors, CancellationToken ct) =>
            throw new IOException("the proc file system is on fire");
    }
}
