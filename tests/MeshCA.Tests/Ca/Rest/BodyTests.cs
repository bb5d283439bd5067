using System.Net;
using System.Text;

namespace MeshCA.Tests.Ca.Rest;

/// <summary>What the API says to bodies that are not what it asked for.</summary>
public sealed class BodyTests
{
    private const string Good = "\"spiffeId\":\"spiffe://example.org/web\",\"selectors\":[\"unix:uid:1\"]";
    private const string Known =
        "known: spiffeId, parentId, selectors, x509SvidTtl, jwtSvidTtl, dnsNames, federatesWith, hint, labels";

    [Theory]
    [InlineData("", " the body is empty; send a JSON object")]
    [InlineData("{", " the body is not JSON: error at line 1, byte 2")]
    [InlineData("{\n\"a\":,}", " the body is not JSON: error at line 2, byte 5")]
    [InlineData("{} {}", " the body is not JSON: error at line 1, byte 4")]
    [InlineData("{\"a\":1,}", " the body is not JSON: error at line 1, byte 8")]
    [InlineData("{/* no */}", " the body is not JSON: error at line 1, byte 2")]
    [InlineData("{'a':1}", " the body is not JSON: error at line 1, byte 2")]
    [InlineData("{\"a\":NaN}", " the body is not JSON: error at line 1, byte 6")]
    [InlineData("null", " must be an object, not null", "/spiffeId is required", "/selectors is required")]
    [InlineData("[]", " must be an object, not an array", "/spiffeId is required", "/selectors is required")]
    [InlineData("\"x\"", " must be an object, not a string", "/spiffeId is required", "/selectors is required")]
    [InlineData("{}", "/spiffeId is required", "/selectors is required")]
    [InlineData("{\"spiffeId\":null,\"selectors\":null}", "/spiffeId is required", "/selectors is required")]
    [InlineData(
        "{\"spiffeId\":7,\"selectors\":\"unix:uid:1\",\"parentId\":[],\"x509SvidTtl\":3600,\"jwtSvidTtl\":true,"
            + "\"dnsNames\":{},\"federatesWith\":1,\"hint\":{},\"labels\":[]}",
        "/spiffeId must be a string, not a number",
        "/parentId must be a string, not an array",
        "/selectors must be an array of strings, not a string",
        "/x509SvidTtl must be a string, not a number",
        "/jwtSvidTtl must be a string, not a boolean",
        "/dnsNames must be an array of strings, not an object",
        "/federatesWith must be an array of strings, not a number",
        "/hint must be a string, not an object",
        "/labels must be an object, not an array"
    )]
    [InlineData(
        "{" + Good + ",\"selectors\":[1,\"unix:uid:1\",null],\"labels\":{\"a\":1}}",
        "/selectors is given more than once",
        "/labels/a must be a string, not a number"
    )]
    [InlineData(
        "{\"spiffeId\":\"spiffe://example.org/web\",\"selectors\":[1,\"unix\",null]}",
        "/selectors/0 must be a string, not a number",
        "/selectors/2 must be a string, not null",
        "/selectors/1 'unix' is not a selector: it is not of the form type:value, such as unix:uid:1000"
    )]
    [InlineData("{" + Good + ",\"ttl\":\"1h\"}", "/ttl unknown member; " + Known)]
    [InlineData("{" + Good + ",\"SpiffeId\":\"x\"}", "/SpiffeId unknown member; " + Known)]
    [InlineData("{" + Good + ",\"a/b~c\":1}", "/a~1b~0c unknown member; " + Known)]
    [InlineData("{" + Good + ",\"id\":\"x\"}", "/id unknown member; " + Known)]
    [InlineData("{" + Good + ",\"hint\":\"a\",\"hint\":\"a\"}", "/hint is given more than once")]
    [InlineData("{" + Good + ",\"labels\":{\"a\":\"1\",\"a\":\"2\"}}", "/labels/a is given more than once")]
    [InlineData("{" + Good + ",\"\\ud800\":1}", " has a member whose name is not valid Unicode")]
    [InlineData("{" + Good + ",\"hint\":\"\\ud800\"}", "/hint is not valid Unicode: it has half of a surrogate pair")]
    [InlineData(
        "{" + Good + ",\"x509SvidTtl\":\"1 hour\"}",
        "/x509SvidTtl '1 hour' is not a duration: the unit ' hour' is none of ns, us, ms, s, m, h"
    )]
    public async Task PostEntry_BadBody_IsAnsweredWithEveryError(string body, params string[] errors)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync("/v1/entries", body);

        Assert.Equal(errors, answer.Errors());
        Assert.Empty((await host.GetAsync("/v1/entries")).Json["items"]!.AsArray());
    }

    [Theory]
    [InlineData("{\"spiffeId\":\"web\",\"selectors\":[\"unix:uid:1\"]}", "/spiffeId")]
    [InlineData("{\"spiffeId\":\"spiffe://other.org/web\",\"selectors\":[\"unix:uid:1\"]}", "/spiffeId")]
    [InlineData("{\"spiffeId\":\"spiffe://example.org\",\"selectors\":[\"unix:uid:1\"]}", "/spiffeId")]
    [InlineData("{\"spiffeId\":\"spiffe://example.org/meshca/server\",\"selectors\":[\"unix:uid:1\"]}", "/spiffeId")]
    [InlineData("{\"spiffeId\":\"spiffe://example.org/a/../b\",\"selectors\":[\"unix:uid:1\"]}", "/spiffeId")]
    [InlineData("{\"spiffeId\":\"spiffe://example.org/web\",\"selectors\":[]}", "/selectors")]
    [InlineData(
        "{\"spiffeId\":\"x\",\"selectors\":[\"y\",\"unix:uid:1\",\"z:\"]}",
        "/spiffeId",
        "/selectors/0",
        "/selectors/2"
    )]
    [InlineData("{" + Good + ",\"parentId\":\"spiffe://example.org/web\"}", "/parentId")]
    [InlineData("{" + Good + ",\"x509SvidTtl\":\"1s\",\"jwtSvidTtl\":\"9000h\"}", "/x509SvidTtl", "/jwtSvidTtl")]
    [InlineData("{" + Good + ",\"dnsNames\":[\"a..b\",\"ok.example\",\"-\"]}", "/dnsNames/0", "/dnsNames/2")]
    [InlineData("{" + Good + ",\"federatesWith\":[\"example.org\",\"NO\"]}", "/federatesWith/0", "/federatesWith/1")]
    [InlineData("{" + Good + ",\"hint\":\"a\\nb\"}", "/hint")]
    [InlineData("{" + Good + ",\"labels\":{\"\":\"x\"}}", "/labels/")]
    [InlineData("{\"selectors\":[\"y\"],\"x\":1}", "/spiffeId", "/x", "/selectors/0")]
    public async Task PostEntry_BadValues_AreAllNamed(string body, params string[] pointers)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync("/v1/entries", body);

        Assert.Equal(
            pointers,
            answer.Errors().Select(static e => e[..e.IndexOf(' ', StringComparison.Ordinal)]),
            StringComparer.Ordinal
        );
        Assert.Empty((await host.GetAsync("/v1/entries")).Json["items"]!.AsArray());
    }

    [Theory]
    [InlineData(31, "/labels must be an object, not an array")]
    [InlineData(32, " the body is nested deeper than 32 levels")]
    [InlineData(30_000, " the body is nested deeper than 32 levels")]
    public async Task PostEntry_DeepBody_IsRefusedBeyond32Levels(int arrays, string error)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync(
            "/v1/entries",
            $"{{{Good},\"labels\":{new string('[', arrays)}{new string(']', arrays)}}}"
        );

        Assert.Equal([error], answer.Errors());
    }

    [Fact]
    public async Task PostEntry_NotUtf8_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/entries");
        request.Content = new ByteArrayContent([
            .. Encoding.UTF8.GetBytes("{" + Good + ",\"hint\":\""),
            0xff,
            .. "\"}"u8,
        ]);
        request.Content.Headers.ContentType = new("application/json");

        var answer = await host.SendAsync(request);

        Assert.Equal([" the body is not valid UTF-8"], answer.Errors());
    }

    [Fact]
    public async Task PostEntry_ThousandsOfErrors_AreCutAt100()
    {
        await using var host = await AdminHost.StartAsync();
        var members = string.Join(',', Enumerable.Range(0, 5000).Select(static i => $"\"m{i}\":1"));

        var errors = (await host.PostAsync("/v1/entries", "{" + members + "}")).Errors();

        Assert.Equal(101, errors.Length);
        Assert.Equal(" 4902 further errors are not listed", errors[^1]);
    }

    [Fact]
    public async Task PostEntry_HintOf1024Bytes_IsTheLongest()
    {
        await using var host = await AdminHost.StartAsync();

        var longest = await host.PostAsync("/v1/entries", $"{{{Good},\"hint\":\"{new string('é', 512)}\"}}");
        var longer = await host.PostAsync("/v1/entries", $"{{{Good},\"hint\":\"{new string('é', 512)}x\"}}");

        Assert.Equal(HttpStatusCode.Created, longest.Status);
        Assert.Equal(["/hint longer than 1024 bytes"], longer.Errors());
    }

    [Theory]
    [InlineData("", " the body is empty; send a JSON object")]
    [InlineData("{\"ttl\":600}", "/ttl must be a string, not a number")]
    [InlineData("{\"ttl\":\"\"}", "/ttl '' is not a duration: it is empty; write one such as 30s, 5m or 1h30m")]
    [InlineData("{\"ttl\":\"-5m\"}", "/ttl '-5m' is not a duration: it is negative")]
    [InlineData("{\"TTL\":\"5m\"}", "/TTL unknown member; known: ttl")]
    [InlineData("{\"ttl\":\"48h\"}", "/ttl 2.00:00:00 is outside 00:00:01 to 1.00:00:00")]
    [InlineData("{\"ttl\":\"0s\"}", "/ttl 00:00:00 is outside 00:00:01 to 1.00:00:00")]
    public async Task PostJoinToken_BadBody_IsAnsweredWithEveryError(string body, params string[] errors)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync("/v1/join-tokens", body);

        Assert.Equal(errors, answer.Errors());
    }
}
