using System.Net;

namespace MeshCA.Tests.Ca.Rest;

public sealed class DryRunTests
{
    [Fact]
    public async Task Post_Entry_AnswersAsIfAndStoresNothing()
    {
        await using var host = await AdminHost.StartAsync();

        var dry = await host.PostAsync("/v1/entries?dryRun=true", AdminHost.Entry("web"));

        Assert.Equal(HttpStatusCode.Created, dry.Status);
        Assert.Equal("true", dry.Header("X-Dry-Run"));
        Assert.Null(dry.ETag);
        Assert.Equal("/v1/entries/" + dry.Json["id"], dry.Location);
        var real = await host.PostAsync("/v1/entries?dryRun=false", AdminHost.Entry("web"));
        Assert.Equal("", real.Header("X-Dry-Run"));
        var expected = real.Json;
        expected["id"] = dry.Json["id"]!.DeepClone();
        Assert.Equal(expected.ToJsonString(), dry.Json.ToJsonString());
        Assert.Single((await host.GetAsync("/v1/entries")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task Post_EntryThatExists_IsRefusedAsTheRealOneIs()
    {
        await using var host = await AdminHost.StartAsync();
        await host.CreateEntryAsync("web");

        var dry = await host.PostAsync("/v1/entries?dryRun=true", AdminHost.Entry("web"));
        var real = await host.PostAsync("/v1/entries", AdminHost.Entry("web"));

        Assert.Equal(
            real.Detail(HttpStatusCode.Conflict, "already_exists"),
            dry.Detail(HttpStatusCode.Conflict, "already_exists")
        );
    }

    [Fact]
    public async Task PutAndDelete_Entry_ChangeNothing()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");
        var before = await host.GetAsync(path);

        var put = await host.SendAsync(HttpMethod.Put, path + "?dryRun=true", AdminHost.Entry("api"));
        var stale = await host.SendAsync(
            HttpMethod.Put,
            path + "?dryRun=true",
            AdminHost.Entry("api"),
            headers: ("If-Match", "\"9\"")
        );
        var delete = await host.SendAsync(HttpMethod.Delete, path + "?dryRun=true");

        Assert.Equal("spiffe://example.org/api", (string?)put.Json["spiffeId"]);
        stale.Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        Assert.Equal(HttpStatusCode.NoContent, delete.Status);
        var after = await host.GetAsync(path);
        Assert.Equal(before.Body, after.Body);
        Assert.Equal(before.ETag, after.ETag);
        Assert.DoesNotContain(
            host.Log.GetSnapshot(),
            static r =>
                r.Message.Contains("entry.updated", StringComparison.Ordinal)
                || r.Message.Contains("entry.deleted", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("?dryRun=1", "?dryRun '1' is neither true nor false")]
    [InlineData("?dryRun=", "?dryRun '' is neither true nor false")]
    [InlineData("?dryRun=TRUE", "?dryRun 'TRUE' is neither true nor false")]
    [InlineData("?dryRun=true&dryRun=false", "?dryRun is given more than once")]
    [InlineData("?dryrun=true", "?dryrun unknown parameter; known: dryRun")]
    public async Task Post_OtherValue_IsRefusedAndStoresNothing(string query, params string[] errors)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync("/v1/entries" + query, AdminHost.Entry("web"));

        Assert.Equal(errors, answer.Errors());
        Assert.Empty((await host.GetAsync("/v1/entries")).Json["items"]!.AsArray());
    }
}
