using System.Text;
using MeshCA.Ca.Agents;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;

namespace MeshCA.Tests.Ca.Agents;

public sealed class JoinTokensTests
{
    [Fact]
    public async Task Redeem_SixtyFourAtOnce_ExactlyOneWins()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var token = await fixture.Tokens.CreateAsync(ttl: null, dryRun: false, ct);

        var attempts = await Task.WhenAll(
            Enumerable.Range(0, 64).Select(i => TryRedeemAsync(fixture, token, $"key {i}", ct))
        );

        Assert.Single(attempts, error => error is null);
        Assert.All(
            attempts.OfType<MeshCaException>(),
            error =>
                Assert.Equal(
                    "join token refused: it was used already: make a new one with 'meshca token create'",
                    error.Message
                )
        );
        Assert.Single(fixture.Agents.List(after: null, 100).Items);
    }

    [Fact]
    public async Task Redeem_SameKeyAgain_GivesTheSameAgentAlsoAfterARestart()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        fixture.Time.Advance(TimeSpan.FromTicks(12_345_678));
        var token = await fixture.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        var first = await RedeemAsync(fixture, token, "key", ct);
        await fixture.ReopenAsync(ct);
        Assert.Equal(first, fixture.Agents.Get(first.Id).Record);

        var second = await RedeemAsync(fixture, token, "key", ct);

        Assert.Equal(first.Id, second.Id);
        Assert.Equal($"spiffe://example.org/meshca/agent/join_token/{first.Id}", first.SpiffeId.ToString());
        Assert.Single(fixture.Agents.List(after: null, 100).Items);
    }

    [Fact]
    public async Task Redeem_Expired_IsRefusedForTheSameKeyToo()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var token = await fixture.Tokens.CreateAsync(TimeSpan.FromMinutes(1), dryRun: false, ct);
        await RedeemAsync(fixture, token, "key", ct);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));

        var error = await TryRedeemAsync(fixture, token, "key", ct);

        Assert.Equal(ErrorKind.PermissionDenied, error?.Kind);
        Assert.Contains("it has expired", error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redeem_EvictedAgent_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var token = await fixture.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        var agent = await RedeemAsync(fixture, token, "key", ct);
        await fixture.Agents.EvictAsync(agent.Id, dryRun: false, ct);

        var error = await TryRedeemAsync(fixture, token, "key", ct);

        Assert.Contains("was evicted", error?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown", ErrorKind.PermissionDenied, "it is not known")]
    [InlineData("", ErrorKind.Malformed, "1 to 256 characters")]
    public async Task Redeem_BadToken_IsRefused(string token, ErrorKind kind, string part)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();

        var error = await TryRedeemAsync(fixture, new(token, default), "key", ct);

        Assert.Equal(kind, error?.Kind);
        Assert.Contains(part, error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_DryRun_GivesATokenThatIsNotKnown()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var token = await fixture.Tokens.CreateAsync(ttl: null, dryRun: true, ct);

        var error = await TryRedeemAsync(fixture, token, "key", ct);

        Assert.Equal(ErrorKind.PermissionDenied, error?.Kind);
        Assert.Equal("...", token.ToString());
        Assert.Equal(fixture.Time.GetUtcNow() + TimeSpan.FromMinutes(10), token.ExpiresAt);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(86_401)]
    public async Task Create_TtlOutOfRange_IsRefused(int seconds)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();

        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            fixture.Tokens.CreateAsync(TimeSpan.FromSeconds(seconds), dryRun: false, ct)
        );

        Assert.Equal("/ttl", Assert.Single(error.Errors).JsonPointer);
    }

    [Fact]
    public async Task Create_Token_IsNowhereInTheFile()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var token = await fixture.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        await fixture.CloseAsync();

        var file = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(fixture.Path, ct));

        Assert.DoesNotContain(token.Token, file, StringComparison.OrdinalIgnoreCase);
    }

    private static Task<AgentRecord> RedeemAsync(
        StoreFixture fixture,
        JoinToken token,
        string key,
        CancellationToken ct
    ) => fixture.Tokens.RedeemAsync(token.Token, Encoding.UTF8.GetBytes(key), "1.0", ct);

    private static async Task<MeshCaException?> TryRedeemAsync(
        StoreFixture fixture,
        JoinToken token,
        string key,
        CancellationToken ct
    )
    {
        try
        {
            await RedeemAsync(fixture, token, key, ct);
            return null;
        }
        catch (MeshCaException e)
        {
            return e;
        }
    }
}
