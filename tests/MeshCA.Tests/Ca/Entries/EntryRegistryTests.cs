using MeshCA.Ca.Entries;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;

namespace MeshCA.Tests.Ca.Entries;

public sealed class EntryRegistryTests
{
    private static readonly EntryDraft _web = new()
    {
        SpiffeId = "spiffe://example.org/web",
        Selectors = ["unix:uid:1000"],
    };

    [Fact]
    public async Task Create_Full_IsThereAfterARestart()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var draft = new EntryDraft
        {
            SpiffeId = "spiffe://example.org/web",
            Selectors = ["unix:uid:1000", "unix:path:/bin/a, b", "unix:uid:1000"],
            ParentId = "spiffe://example.org/meshca/agent/join_token/1",
            X509SvidTtl = TimeSpan.FromSeconds(20),
            JwtSvidTtl = TimeSpan.FromMinutes(1),
            DnsNames = ["web.example.org", "*.web.example.org"],
            FederatesWith = ["b.org", "a.org"],
            Hint = "outside",
            Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web" },
        };

        var created = await fixture.Entries.CreateAsync(draft, dryRun: false, ct);
        await fixture.ReopenAsync(ct);

        var entry = fixture.Entries.Get(created.Id);
        Assert.Equal(["unix:path:/bin/a, b", "unix:uid:1000"], entry.Selectors.Select(s => s.ToString()));
        Assert.Equal("spiffe://example.org/meshca/agent/join_token/1", entry.ParentId.ToString());
        Assert.Equal(TimeSpan.FromSeconds(20), entry.X509SvidTtl);
        Assert.Equal(TimeSpan.FromMinutes(1), entry.JwtSvidTtl);
        Assert.Equal(["web.example.org", "*.web.example.org"], entry.DnsNames);
        Assert.Equal(["a.org", "b.org"], entry.FederatesWith.Select(t => t.Name));
        Assert.Equal("outside", entry.Hint);
        Assert.Equal("web", entry.Labels["app"]);
        Assert.Equal(fixture.Time.GetUtcNow(), entry.CreatedAt);
        Assert.Equal(1, entry.Revision);
    }

    [Fact]
    public void Create_AllWrong_NamesEveryPart()
    {
        var rules = new EntryRules(StoreFixture.NewOptions("/nowhere") with { RequireParent = false });
        var draft = new EntryDraft
        {
            SpiffeId = "spiffe://other.org/web",
            Selectors = ["unix", "unix:uid:1"],
            ParentId = "spiffe://example.org/web",
            X509SvidTtl = TimeSpan.FromSeconds(1),
            JwtSvidTtl = TimeSpan.FromDays(30),
            DnsNames = ["a.b", "-"],
            FederatesWith = ["example.org", "UP"],
            Hint = new string('é', 513),
            Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["a/b~"] = new('x', 257) },
        };

        var pointers = rules.Check(draft).Select(error => error.JsonPointer);

        Assert.Equal(
            [
                "/spiffeId",
                "/parentId",
                "/selectors/0",
                "/x509SvidTtl",
                "/jwtSvidTtl",
                "/dnsNames/1",
                "/federatesWith/0",
                "/federatesWith/1",
                "/hint",
                "/labels/a~1b~0",
            ],
            pointers
        );
    }

    [Theory]
    [InlineData("", "/spiffeId")]
    [InlineData("spiffe://example.org", "a workload's SPIFFE ID has a path")]
    [InlineData("spiffe://example.org/meshca", "reserved")]
    [InlineData("spiffe://example.org/meshca/agent/x/y", "reserved")]
    [InlineData("spiffe://EXAMPLE.org/web", "/spiffeId")]
    [InlineData("https://example.org/web", "/spiffeId")]
    [InlineData("spiffe://example.org/web/", "/spiffeId")]
    public async Task Create_BadSpiffeId_IsRefused(string spiffeId, string part)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();

        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            fixture.Entries.CreateAsync(_web with { SpiffeId = spiffeId }, dryRun: false, ct)
        );

        Assert.Equal(ErrorKind.Malformed, error.Kind);
        Assert.Single(error.Errors);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Entries.Catalog.All);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Create_SameAsAnother_NamesThatOne(bool dryRun)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var draft = _web with { Selectors = ["unix:uid:1", "unix:gid:2"] };
        var first = await fixture.Entries.CreateAsync(draft, dryRun: false, ct);

        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            fixture.Entries.CreateAsync(draft with { Selectors = ["unix:gid:2", "unix:uid:1"], Hint = "x" }, dryRun, ct)
        );

        Assert.Equal(ErrorKind.AlreadyExists, error.Kind);
        Assert.Contains($"entry {first.Id} ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_DryRun_StoresNothing()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();

        await fixture.Entries.CreateAsync(_web, dryRun: true, ct);

        Assert.Empty(fixture.Entries.List(EntryFilter.All, after: null, 10).Items);
    }

    [Fact]
    public async Task Create_ManyAtOnce_IdsSortInOrderOfCreationAndRevisionsHaveNoGap()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();

        var created = await Task.WhenAll(
            Enumerable
                .Range(0, 5000)
                .Select(i =>
                    fixture.Entries.CreateAsync(_web with { Selectors = [$"unix:uid:{i}"] }, dryRun: false, ct)
                )
        );

        Assert.Equal(created.Select(e => e.Id).Order(StringComparer.Ordinal), created.Select(e => e.Id));
        Assert.Equal(Enumerable.Range(1, 5000).Select(i => (long)i), created.Select(e => e.Revision).Order());
        Assert.Equal(5000, fixture.Entries.Catalog.All.Count);
        Assert.Equal(5000, fixture.Entries.Catalog.Revision);
    }

    [Fact]
    public async Task Create_ClockSetBackOverARestart_NewIdStillSortsLast()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        fixture.Time.Advance(TimeSpan.FromHours(1));
        var first = await fixture.Entries.CreateAsync(_web, dryRun: false, ct);
        await fixture.ReopenAsync(ct);
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() - TimeSpan.FromMinutes(30));

        var second = await fixture.Entries.CreateAsync(
            _web with
            {
                Hint = "b",
                Selectors = ["a:b"],
            },
            dryRun: false,
            ct
        );

        Assert.True(string.CompareOrdinal(first.Id, second.Id) < 0);
    }

    [Fact]
    public async Task Update_WithStaleRevision_ChangesNothing()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var created = await fixture.Entries.CreateAsync(_web, dryRun: false, ct);
        var updated = await fixture.Entries.UpdateAsync(
            created.Id,
            _web with
            {
                Hint = "1",
            },
            created.Revision,
            false,
            ct
        );

        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            fixture.Entries.UpdateAsync(created.Id, _web with { Hint = "2" }, created.Revision, dryRun: false, ct)
        );

        Assert.Equal(ErrorKind.Stale, error.Kind);
        Assert.Equal(created.Revision + 1, updated.Revision);
        Assert.Equal("1", fixture.Entries.Get(created.Id).Hint);
        Assert.Equal(created.CreatedAt, updated.CreatedAt);
    }

    [Fact]
    public async Task Delete_Twice_SecondIsNotFound()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var created = await fixture.Entries.CreateAsync(_web, dryRun: false, ct);
        await fixture.Entries.DeleteAsync(created.Id, expectedRevision: null, dryRun: false, ct);

        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            fixture.Entries.DeleteAsync(created.Id, expectedRevision: null, dryRun: false, ct)
        );

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Null(fixture.Entries.Find(created.Id));
    }

    [Fact]
    public async Task List_InPages_GivesEachMatchOnce()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        for (var i = 0; i < 7; i++)
        {
            await fixture.Entries.CreateAsync(
                _web with
                {
                    SpiffeId = i % 2 == 0 ? "spiffe://example.org/even" : "spiffe://example.org/odd",
                    Selectors = [$"unix:uid:{i}", "unix:gid:1"],
                },
                dryRun: false,
                ct
            );
        }

        var even = new EntryFilter { SpiffeId = SpiffeId.Parse("spiffe://example.org/even") };
        var first = fixture.Entries.List(even, after: null, 2);
        var second = fixture.Entries.List(even, first.Next, 2);

        Assert.Equal(["unix:uid:0", "unix:uid:2"], first.Items.Select(e => e.Selectors[1].ToString()));
        Assert.Equal(["unix:uid:4", "unix:uid:6"], second.Items.Select(e => e.Selectors[1].ToString()));
        Assert.Null(second.Next);
        var bySelector = new EntryFilter { Selector = Selector.Parse("unix:uid:3") };
        Assert.Single(fixture.Entries.List(bySelector, after: null, 10).Items);
    }
}
