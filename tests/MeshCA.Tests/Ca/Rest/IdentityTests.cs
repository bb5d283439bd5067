using System.Net;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.Rest;

public sealed class IdentityTests
{
    private const string Agent1 = "spiffe://example.org/meshca/agent/join_token/a1";
    private const string Agent2 = "spiffe://example.org/meshca/agent/join_token/a2";

    private static readonly DateTimeOffset _issuedAt = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Get_Serial_AnswersTheLedgersRow()
    {
        await using var host = await AdminHost.StartAsync();
        await IssueAsync(host, Record(1, "web"));

        var answer = await host.GetAsync("/v1/identities/00000000000000000000000000000001");

        Assert.Equal(
            """{"serial":"00000000000000000000000000000001","spiffeId":"spiffe://example.org/web","notBefore":"2026-03-01T11:58:00Z","notAfter":"2026-03-01T13:00:00Z","issuedAt":"2026-03-01T12:00:00Z","authority":"aa","agent":"spiffe://example.org/meshca/agent/join_token/a1","entryId":"e1"}""",
            answer.Body
        );
        var same = await host.GetAsync(
            "/v1/identities/00000000000000000000000000000001",
            ("If-None-Match", answer.ETag!)
        );
        Assert.Equal(HttpStatusCode.NotModified, same.Status);
    }

    [Theory]
    [InlineData("00000000000000000000000000000002")]
    [InlineData("1")]
    [InlineData("0000000000000000000000000000000A")]
    [InlineData("zz000000000000000000000000000001")]
    [InlineData("000000000000000000000000000000001")]
    public async Task Get_UnknownSerial_IsProblem404(string serial)
    {
        await using var host = await AdminHost.StartAsync();
        await IssueAsync(host, Record(1, "web"));

        var answer = await host.GetAsync("/v1/identities/" + serial);

        answer.Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("", "1,2,3,4")]
    [InlineData("?spiffeIdPrefix=spiffe://example.org/we", "1,2")]
    [InlineData("?spiffeIdPrefix=spiffe://example.org/web/", "2")]
    [InlineData("?spiffeIdPrefix=%25", "")]
    [InlineData("?expiresBefore=2026-03-01T13:00:00Z", "3")]
    [InlineData("?expiresBefore=2026-03-01T15:00:01%2B02:00", "1,2,3,4")]
    [InlineData("?agent=spiffe://example.org/meshca/agent/join_token/a2", "2")]
    [InlineData("?authority=bb", "4")]
    [InlineData("?authority=aa&spiffeIdPrefix=spiffe://example.org/a", "3")]
    public async Task List_Filters_AnswerTheMatching(string query, string serials)
    {
        await using var host = await AdminHost.StartAsync();
        await IssueAsync(
            host,
            Record(1, "web"),
            Record(2, "web/v2") with
            {
                Agent = SpiffeId.Parse(Agent2),
            },
            Record(3, "api") with
            {
                NotAfter = _issuedAt.AddMinutes(5),
            },
            Record(4, "api") with
            {
                AuthorityId = "bb",
            }
        );

        var items = (await host.GetAsync("/v1/identities" + query)).Json["items"]!.AsArray();

        Assert.Equal(serials, string.Join(',', items.Select(static i => ((string)i!["serial"]!).TrimStart('0'))));
    }

    [Fact]
    public async Task List_AgentsId_IsTheSameAsItsSpiffeId()
    {
        await using var host = await AdminHost.StartAsync();
        var ct = TestContext.Current.CancellationToken;
        var token = await host.Store.Tokens.CreateAsync(null, dryRun: false, ct);
        var agent = await host.Store.Tokens.RedeemAsync(token.Token, new byte[] { 1 }, "1", ct);
        await IssueAsync(host, Record(1, "web"), Record(2, "web") with { Agent = agent.SpiffeId });

        var items = (await host.GetAsync("/v1/identities?agent=" + agent.Id)).Json["items"]!.AsArray();

        Assert.Equal("00000000000000000000000000000002", (string?)Assert.Single(items)!["serial"]);
    }

    [Theory]
    [InlineData(
        "?expiresBefore=tomorrow",
        "?expiresBefore 'tomorrow' is not an RFC 3339 time such as 2026-01-31T12:00:00Z"
    )]
    [InlineData("?agent=nobody", "?agent there is no agent nobody")]
    [InlineData(
        "?expiresBefore=1&pageSize=0&x=1",
        "?x unknown parameter; known: pageSize, pageToken, spiffeIdPrefix, expiresBefore, agent, authority",
        "?expiresBefore '1' is not an RFC 3339 time such as 2026-01-31T12:00:00Z",
        "?pageSize '0' is not a number from 1 to 500"
    )]
    public async Task List_BadQuery_IsAnsweredWithEveryError(string query, params string[] errors)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync("/v1/identities" + query);

        Assert.Equal(errors, answer.Errors());
    }

    [Fact]
    public async Task List_Pages_AreInTheOrderOfIssueAndBoundToTheirFilters()
    {
        await using var host = await AdminHost.StartAsync();
        await IssueAsync(host, [.. Enumerable.Range(1, 25).Select(i => Record((uint)(26 - i), "web"))]);

        var one = (await host.GetAsync("/v1/identities?pageSize=20")).Json;
        var two = (await host.GetAsync($"/v1/identities?pageSize=20&pageToken={one["nextPageToken"]}")).Json;
        var other = await host.GetAsync($"/v1/identities?authority=aa&pageToken={one["nextPageToken"]}");

        Assert.Equal(20, one["items"]!.AsArray().Count);
        Assert.Equal(5, two["items"]!.AsArray().Count);
        Assert.Equal("", (string?)two["nextPageToken"]);
        Assert.Equal("00000000000000000000000000000019", (string?)one["items"]![0]!["serial"]);
        Assert.Equal("00000000000000000000000000000001", (string?)two["items"]![4]!["serial"]);
        Assert.Equal(["?pageToken is not a nextPageToken of this list with these filters"], other.Errors());
    }

    private static Task IssueAsync(AdminHost host, params IssuanceRecord[] records) =>
        new SqliteLedger(host.Store.Database, host.Store.Time).RecordOutcomesAsync(
            records,
            TestContext.Current.CancellationToken
        );

    private static IssuanceRecord Record(uint serial, string name) =>
        new()
        {
            Kind = IssuanceKind.Workload,
            SerialNumber = new(serial),
            SpiffeId = SpiffeId.Parse("spiffe://example.org/" + name),
            NotBefore = _issuedAt.AddMinutes(-2),
            NotAfter = _issuedAt.AddHours(1),
            IssuedAt = _issuedAt,
            AuthorityId = "aa",
            Agent = SpiffeId.Parse(Agent1),
            EntryId = "e1",
        };
}
