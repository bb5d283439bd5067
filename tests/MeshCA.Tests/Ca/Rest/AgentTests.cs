using System.Net;
using MeshCA.Ca.Agents;

namespace MeshCA.Tests.Ca.Rest;

public sealed class AgentTests
{
    [Fact]
    public async Task PostJoinToken_NoMembers_AnswersATokenOfTenMinutes()
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync("/v1/join-tokens", "{}");

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Matches("^[0-9a-f]{64}$", (string)answer.Json["token"]!);
        Assert.Equal("2026-03-01T12:10:00Z", (string?)answer.Json["expiresAt"]);
    }

    [Fact]
    public async Task PostJoinToken_Ttl_IsItsLifetimeAndItWorksOnce()
    {
        await using var host = await AdminHost.StartAsync();
        var ct = TestContext.Current.CancellationToken;
        var answer = await host.PostAsync("/v1/join-tokens", """{"ttl":"1m30s"}""");
        Assert.Equal("2026-03-01T12:01:30Z", (string?)answer.Json["expiresAt"]);

        var agent = await host.Store.Tokens.RedeemAsync((string)answer.Json["token"]!, new byte[] { 1 }, "1.0", ct);

        var listed = Assert.Single((await host.GetAsync("/v1/agents")).Json["items"]!.AsArray())!;
        Assert.Equal(agent.Id, (string?)listed["id"]);
        Assert.Equal(agent.SpiffeId.ToString(), (string?)listed["spiffeId"]);
    }

    [Fact]
    public async Task PostJoinToken_DryRun_AnswersATokenThatNobodyCanRedeem()
    {
        await using var host = await AdminHost.StartAsync();
        var token = (string)(await host.PostAsync("/v1/join-tokens?dryRun=true", "{}")).Json["token"]!;

        var redeem = () =>
            host.Store.Tokens.RedeemAsync(token, new byte[] { 1 }, "1.0", TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<MeshCA.Spiffe.MeshCaException>(redeem);
    }

    [Fact]
    public async Task Get_Agent_AnswersWhatIsKnownOfIt()
    {
        await using var host = await AdminHost.StartAsync();
        var agent = await AttestAsync(host);

        var answer = await host.GetAsync("/v1/agents/" + agent.Id);

        Assert.Equal(
            $$"""
            {"id":"{{agent.Id}}","spiffeId":"{{agent.SpiffeId}}","attestation":"join_token","version":"1.2.3","banned":false,"connected":false,"attestedAt":"2026-03-01T12:00:00Z","lastSeen":"2026-03-01T12:00:00Z","serial":null,"svidNotAfter":null,"report":null}
            """,
            answer.Body
        );
        var same = await host.GetAsync("/v1/agents/" + agent.Id, ("If-None-Match", answer.ETag!));
        Assert.Equal(HttpStatusCode.NotModified, same.Status);
    }

    [Fact]
    public async Task BanAndUnban_Agent_AnswerTheAgentAsItIs()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/agents/" + (await AttestAsync(host)).Id;

        var dry = await host.PostAsync(path + "/ban?dryRun=true", null);
        var untouched = await host.GetAsync(path);
        var banned = await host.PostAsync(path + "/ban", null);
        var dryUnban = await host.PostAsync(path + "/unban?dryRun=true", "{}");
        var still = await host.GetAsync(path);
        var unbanned = await host.PostAsync(path + "/unban", null);

        Assert.Equal(HttpStatusCode.OK, dry.Status);
        Assert.True((bool)dry.Json["banned"]!);
        Assert.False((bool)untouched.Json["banned"]!);
        Assert.True((bool)banned.Json["banned"]!);
        Assert.False((bool)dryUnban.Json["banned"]!);
        Assert.True((bool)still.Json["banned"]!);
        Assert.False((bool)unbanned.Json["banned"]!);
    }

    [Fact]
    public async Task Evict_Agent_IsForgotten()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/agents/" + (await AttestAsync(host)).Id;

        var dry = await host.PostAsync(path + "/evict?dryRun=true", null);
        var still = await host.GetAsync(path);
        var evicted = await host.PostAsync(path + "/evict", null);

        Assert.Equal(HttpStatusCode.NoContent, dry.Status);
        Assert.Equal(HttpStatusCode.OK, still.Status);
        Assert.Equal(HttpStatusCode.NoContent, evicted.Status);
        (await host.GetAsync(path)).Problem(HttpStatusCode.NotFound, "not_found");
        (await host.PostAsync(path + "/evict", null)).Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Ban_WithMembers_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/agents/" + (await AttestAsync(host)).Id;

        var answer = await host.PostAsync(path + "/ban", """{"reason":"x"}""");

        Assert.Equal(["/reason unknown member; there are none"], answer.Errors());
        Assert.False((bool)(await host.GetAsync(path)).Json["banned"]!);
    }

    private static async Task<AgentRecord> AttestAsync(AdminHost host)
    {
        var ct = TestContext.Current.CancellationToken;
        var token = await host.Store.Tokens.CreateAsync(null, dryRun: false, ct);
        return await host.Store.Tokens.RedeemAsync(token.Token, new byte[] { 1 }, "1.2.3", ct);
    }
}
