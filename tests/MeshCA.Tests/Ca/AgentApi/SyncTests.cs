using Grpc.Core;
using MeshCA.Ca.Entries;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.AgentApi;

public sealed class SyncTests
{
    [Fact]
    public async Task Sync_Fresh_GivesOwnEntriesAndTheirBundles()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var other = await host.AttestAsync(ct);
        await host.Bundles.SetFederatedAsync(new(TrustDomain.Parse("a.org"), [new byte[] { 1 }]), dryRun: false, ct);
        await host.Bundles.SetFederatedAsync(new(TrustDomain.Parse("b.org"), [new byte[] { 2 }]), dryRun: false, ct);
        await CreateAsync(host, "any", ct, federatesWith: ["a.org", "unknown.org"]);
        await CreateAsync(host, "mine", ct, parent: agent);
        await CreateAsync(host, "other", ct, parent: other, federatesWith: ["b.org"]);

        using var call = await agent.SyncAsync(ct);
        var snapshot = (await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot;

        Assert.True(snapshot.Last);
        Assert.Equal(
            ["spiffe://example.org/any", "spiffe://example.org/mine"],
            snapshot.Entries.Select(e => e.SpiffeId)
        );
        Assert.Equal(["example.org", "a.org"], snapshot.Bundles.Select(b => b.TrustDomain));
        Assert.Equal(30_000, snapshot.ReportIntervalMs);
        Assert.True(host.Agents.Get(agent.Id).Connected);
        Assert.Equal("1.2.4", host.Agents.Get(agent.Id).Record.Version);
    }

    [Fact]
    public async Task Sync_ManyEntries_ComesInPartsOfAtMost500()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        await Task.WhenAll(Enumerable.Range(0, 1201).Select(i => CreateAsync(host, $"e{i}", ct)));

        using var call = await agent.SyncAsync(ct);
        var parts = new List<Snapshot>();
        do
        {
            parts.Add((await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot);
        } while (!parts[^1].Last);

        Assert.Equal([500, 500, 201], parts.Select(part => part.Entries.Count));
        Assert.Equal(1201, parts.SelectMany(part => part.Entries).Select(e => e.Id).Distinct().Count());
        Assert.Single(parts.Select(part => part.Revision).Distinct());
    }

    [Fact]
    public async Task Sync_LargeEntries_PartsStayBelowWhatClientsTake()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var selectors = Enumerable.Range(0, 64).Select(i => $"unix:path:/{i}/{new string('x', 4000)}").ToList();
        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    host.Entries.CreateAsync(
                        new() { SpiffeId = $"spiffe://example.org/e{i}", Selectors = selectors },
                        dryRun: false,
                        ct
                    )
                )
        );

        using var call = await agent.SyncAsync(ct);
        var sizes = new List<int>();
        var entries = 0;
        Snapshot part;
        do
        {
            part = (await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot;
            sizes.Add(part.CalculateSize());
            entries += part.Entries.Count;
        } while (!part.Last);

        Assert.Equal(20, entries);
        Assert.All(sizes, size => Assert.InRange(size, 1, 1_500_000));
    }

    [Fact]
    public async Task Sync_Changes_ComeAtOnceAndOnlyOwnOnes()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var other = await host.AttestAsync(ct);
        using var call = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);

        await CreateAsync(host, "other", ct, parent: other);
        var mine = await CreateAsync(host, "mine", ct, parent: agent);
        var created = (await TestAgent.NextAsync(call.ResponseStream, ct)).Change;
        await host.Entries.UpdateAsync(mine.Id, Draft("mine", other), expectedRevision: null, dryRun: false, ct);
        var moved = (await TestAgent.NextAsync(call.ResponseStream, ct)).Change;
        var any = await CreateAsync(host, "any", ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);
        await host.Entries.DeleteAsync(any.Id, expectedRevision: null, dryRun: false, ct);
        var deleted = (await TestAgent.NextAsync(call.ResponseStream, ct)).Change;

        Assert.Equal([mine.Id], created.Upserted.Select(e => e.Id));
        Assert.Equal(mine.Revision, created.Revision);
        Assert.Equal([mine.Id], moved.RemovedEntryIds);
        Assert.Empty(moved.Upserted);
        Assert.Equal([any.Id], deleted.RemovedEntryIds);
    }

    [Fact]
    public async Task Sync_FederatedBundle_ComesWithTheFirstEntryThatNamesItAndWithEachChange()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var a = TrustDomain.Parse("a.org");
        using var call = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);

        await host.Bundles.SetFederatedAsync(new(a, [new byte[] { 1 }]), dryRun: false, ct);
        await CreateAsync(host, "web", ct, federatesWith: ["a.org"]);
        var named = await UntilAsync(call.ResponseStream, change => change.Upserted.Count > 0, ct);
        await host.Bundles.SetFederatedAsync(new(a, [new byte[] { 2 }]), dryRun: false, ct);
        var changed = await UntilAsync(call.ResponseStream, change => change.Bundles.Count > 0, ct);
        await host.Bundles.DeleteFederatedAsync(a, dryRun: false, ct);
        var removed = await UntilAsync(call.ResponseStream, change => change.RemovedTrustDomains.Count > 0, ct);
        await host.Bundles.PublishOwnAsync([.. host.Bundles.Own.X509Authorities, new byte[] { 3 }], [], ct);
        var own = await UntilAsync(call.ResponseStream, change => change.Bundles.Count > 0, ct);

        Assert.Equal([1], named.Bundles.Single().X509Authorities.Single().ToByteArray());
        Assert.Equal([2], changed.Bundles.Single().X509Authorities.Single().ToByteArray());
        Assert.Equal(["a.org"], removed.RemovedTrustDomains);
        Assert.Equal(2ul, own.Bundles.Single().Sequence);
    }

    [Fact]
    public async Task Sync_Resume_GivesWhatWasMissedAlsoAfterARestart()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var gone = await CreateAsync(host, "gone", ct);
        await CreateAsync(host, "stays", ct);
        Snapshot held;
        using (var call = await agent.SyncAsync(ct))
        {
            held = (await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot;
        }

        await host.Entries.DeleteAsync(gone.Id, expectedRevision: null, dryRun: false, ct);
        var added = await CreateAsync(host, "added", ct);
        await host.RestartAsync(ct);
        agent.Reconnect();
        using var resumed = await agent.SyncAsync(ct, held.StoreId, held.Revision);
        var missed = (await TestAgent.NextAsync(resumed.ResponseStream, ct)).Change;

        Assert.Equal([added.Id], missed.Upserted.Select(e => e.Id));
        Assert.Equal([gone.Id], missed.RemovedEntryIds);
        Assert.True(missed.Revision >= added.Revision);
    }

    [Fact]
    public async Task Sync_ResumeMissedNothing_SaysSo()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        await CreateAsync(host, "web", ct);
        using var first = await agent.SyncAsync(ct);
        var held = (await TestAgent.NextAsync(first.ResponseStream, ct)).Snapshot;

        using var resumed = await agent.SyncAsync(ct, held.StoreId, held.Revision);
        var change = (await TestAgent.NextAsync(resumed.ResponseStream, ct)).Change;

        Assert.Empty(change.Upserted);
        Assert.Empty(change.RemovedEntryIds);
        Assert.Equal(held.Revision, change.Revision);
    }

    [Theory]
    [InlineData("another store", 1)]
    [InlineData(null, 1_000_000)]
    public async Task Sync_ResumeFromWhatIsNotKnown_GivesASnapshot(string? storeId, long revision)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var first = await agent.SyncAsync(ct);
        var held = (await TestAgent.NextAsync(first.ResponseStream, ct)).Snapshot;

        using var call = await agent.SyncAsync(ct, storeId ?? held.StoreId, revision);

        Assert.NotNull((await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot);
    }

    [Fact]
    public async Task Sync_ThousandsOfChangesAtOnce_AreCoalesced()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var entry = await CreateAsync(host, "web", ct);
        using var call = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);

        var updates = Task.WhenAll(
            Enumerable
                .Range(0, 5000)
                .Select(i =>
                    host.Entries.UpdateAsync(
                        entry.Id,
                        Draft("web", parent: null) with
                        {
                            Hint = $"{i}",
                        },
                        expectedRevision: null,
                        dryRun: false,
                        ct
                    )
                )
        );
        var messages = 0;
        Change change;
        do
        {
            change = (await TestAgent.NextAsync(call.ResponseStream, ct)).Change;
            messages++;
        } while (change.Revision < entry.Revision + 5000);
        await updates;

        Assert.Equal(entry.Revision + 5000, change.Upserted.Single().Revision);
        Assert.InRange(messages, 1, 500);
    }

    [Fact]
    public async Task Sync_Banned_StreamEndsAtOnceWithTheRemedy()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var call = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);

        await host.Agents.BanAsync(agent.Id, dryRun: false, ct);
        var error = await Assert.ThrowsAsync<RpcException>(() => TestAgent.NextAsync(call.ResponseStream, ct));

        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Contains("meshca agent unban", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sync_CertificateExpires_StreamEndsAsUnauthenticated()
    {
        var ct = TestContext.Current.CancellationToken;
        var ttl = TimeSpan.FromSeconds(4);
        await using var host = await AgentApiHost.StartAsync(ct, options => options with { X509SvidTtl = ttl });
        using var agent = await host.AttestAsync(ct);
        using var call = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);

        var error = await Assert.ThrowsAsync<RpcException>(() => TestAgent.NextAsync(call.ResponseStream, ct));

        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        Assert.Contains("connect again with a new one", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sync_MoreStreamsThanAllowed_IsRefusedUntilOneCloses()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var calls = new List<AsyncDuplexStreamingCall<SyncRequest, SyncResponse>>();
        for (var i = 0; i < MeshCA.Ca.Agents.AgentSession.MaxStreams; i++)
        {
            calls.Add(await agent.SyncAsync(ct));
            await TestAgent.NextAsync(calls[i].ResponseStream, ct);
        }

        using var extra = agent.Client.Sync(cancellationToken: ct);
        var error = await Assert.ThrowsAsync<RpcException>(() => TestAgent.NextAsync(extra.ResponseStream, ct));
        calls.ForEach(call => call.Dispose());
        while (host.Agents.Get(agent.Id).Connected)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
        }

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        using var again = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(again.ResponseStream, ct);
    }

    [Fact]
    public async Task Sync_ServerStops_StreamEndsAtOnceAsUnavailable()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var call = await agent.SyncAsync(ct);
        await TestAgent.NextAsync(call.ResponseStream, ct);
        var started = TimeProvider.System.GetTimestamp();

        var restart = host.RestartAsync(ct);
        var error = await Assert.ThrowsAsync<RpcException>(() => TestAgent.NextAsync(call.ResponseStream, ct));
        await restart;

        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task Sync_Report_IsHeldForTheListOfAgents()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var call = await agent.SyncAsync(ct);
        var snapshot = (await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot;
        var report = new Report
        {
            Revision = snapshot.Revision,
            BundleSequence = 1,
            SvidsHeld = 3,
        };
        report.Sds.Add(
            new SdsSubscription
            {
                Name = "ROOTCA",
                Streams = 2,
                Acked = 1,
                Nacked = 1,
                NackReason = new('x', 9999),
            }
        );

        await call.RequestStream.WriteAsync(new() { Report = report }, ct);
        while (host.Agents.Get(agent.Id).Report is null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
        }

        var held = host.Agents.Get(agent.Id).Report!;
        Assert.Equal(3, held.SvidsHeld);
        Assert.Equal(512, held.Sds.Single().NackReason.Length);
        await call.RequestStream.CompleteAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => TestAgent.NextAsync(call.ResponseStream, ct));
        while (host.Agents.Get(agent.Id).Connected)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
        }
    }

    [Fact]
    public async Task Sync_NoHello_IsInvalid()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var call = agent.Client.Sync(cancellationToken: ct);
        await call.RequestStream.WriteAsync(new() { Report = new() }, ct);

        var error = await Assert.ThrowsAsync<RpcException>(() => TestAgent.NextAsync(call.ResponseStream, ct));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public async Task Sync_OneAgentDoesNotRead_OthersAreServed()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var slow = await host.AttestAsync(ct);
        using var quick = await host.AttestAsync(ct);
        var hint = new string('x', 1024);
        await Task.WhenAll(Enumerable.Range(0, 3000).Select(i => CreateAsync(host, $"e{i}", ct, hint: hint)));

        // Its flow-control window is full long before 3,000 entries are sent.
        using var stuck = await slow.SyncAsync(ct);
        using var call = await quick.SyncAsync(ct);
        while (!(await TestAgent.NextAsync(call.ResponseStream, ct)).Snapshot.Last) { }

        var created = await CreateAsync(host, "new", ct);
        var change = (await TestAgent.NextAsync(call.ResponseStream, ct)).Change;

        Assert.Equal(created.Id, change.Upserted.Single().Id);
    }

    private static async Task<Change> UntilAsync(
        IAsyncStreamReader<SyncResponse> stream,
        Func<Change, bool> condition,
        CancellationToken ct
    )
    {
        while (true)
        {
            var change = (await TestAgent.NextAsync(stream, ct)).Change;
            if (condition(change))
            {
                return change;
            }
        }
    }

    private static Task<RegistrationEntry> CreateAsync(
        AgentApiHost host,
        string name,
        CancellationToken ct,
        TestAgent? parent = null,
        string[]? federatesWith = null,
        string hint = ""
    ) =>
        host.Entries.CreateAsync(
            Draft(name, parent) with
            {
                FederatesWith = federatesWith ?? [],
                Hint = hint,
            },
            dryRun: false,
            ct
        );

    private static EntryDraft Draft(string name, TestAgent? parent) =>
        new()
        {
            SpiffeId = $"spiffe://example.org/{name}",
            Selectors = ["unix:uid:1000"],
            ParentId = parent?.SpiffeId.ToString(),
        };
}
