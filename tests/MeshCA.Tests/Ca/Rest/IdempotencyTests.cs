using System.Net;
using MeshCA.Ca.Store;
using MeshCA.Ca.Store.Sqlite;

namespace MeshCA.Tests.Ca.Rest;

public sealed class IdempotencyTests
{
    private const string Header = "Idempotency-Key";

    [Fact]
    public async Task Post_SameKeyAndBody_AnswersTheSame()
    {
        await using var host = await AdminHost.StartAsync();

        var one = await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1"));
        var two = await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1"));

        AssertSame(one, two);
        Assert.Single((await host.GetAsync("/v1/entries")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task Post_SameKeyOtherBody_IsProblem422()
    {
        await using var host = await AdminHost.StartAsync();
        await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1"));

        var other = await host.PostAsync("/v1/entries", AdminHost.Entry("api"), (Header, "k1"));

        Assert.Equal(
            "this Idempotency-Key was used with another body; use a new key for a new request",
            other.Detail(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused")
        );
        Assert.Single((await host.GetAsync("/v1/entries")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task Post_SameKeyManyAtOnce_IsDoneOnce()
    {
        await using var host = await AdminHost.StartAsync();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(_ => host.PostAsync("/v1/join-tokens", "{}", (Header, "k1")))
        );

        Assert.All(answers, a => AssertSame(answers[0], a));
        Assert.Single(
            host.Log.GetSnapshot(),
            static r => r.Message.Contains("joinToken.created", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Post_SameKeyAfterRestart_AnswersTheSame()
    {
        await using var host = await AdminHost.StartAsync();
        var one = await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1"));

        await host.RestartAsync();

        AssertSame(one, await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1")));
    }

    [Fact]
    public async Task Post_SameKeyOfAnotherCallerOrPath_IsAnotherRequest()
    {
        await using var host = await AdminHost.StartAsync();
        var mine = await host.PostAsync("/v1/join-tokens", "{}", (Header, "k1"));
        host.Caller = "uid:2";

        var theirs = await host.PostAsync("/v1/join-tokens", "{}", (Header, "k1"));
        var entry = await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1"));

        Assert.NotEqual(mine.Body, theirs.Body, StringComparer.Ordinal);
        Assert.Equal(HttpStatusCode.Created, entry.Status);
    }

    [Fact]
    public async Task Post_SameKeyAfterADay_IsDoneAgain()
    {
        await using var host = await AdminHost.StartAsync();
        var one = await host.PostAsync("/v1/join-tokens", "{}", (Header, "k1"));
        host.Store.Time.Advance(SqliteAnswers.Lifetime - TimeSpan.FromSeconds(1));
        var nearly = await host.PostAsync("/v1/join-tokens", "{}", (Header, "k1"));
        host.Store.Time.Advance(TimeSpan.FromSeconds(1));

        var after = await host.PostAsync("/v1/join-tokens", "{}", (Header, "k1"));

        AssertSame(one, nearly);
        Assert.NotEqual(one.Body, after.Body, StringComparer.Ordinal);
    }

    [Fact]
    public async Task Post_KeyOfARefusedRequest_MayBeUsedAgain()
    {
        await using var host = await AdminHost.StartAsync();
        var refused = await host.PostAsync("/v1/entries", "{}", (Header, "k1"));

        var corrected = await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, "k1"));

        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.Equal(HttpStatusCode.Created, corrected.Status);
    }

    [Fact]
    public async Task Post_DryRunWithKey_DoesNotUseTheKey()
    {
        await using var host = await AdminHost.StartAsync();

        var dry = await host.PostAsync("/v1/entries?dryRun=true", AdminHost.Entry("web"), (Header, "k1"));
        var real = await host.PostAsync("/v1/entries", AdminHost.Entry("api"), (Header, "k1"));

        Assert.Equal(HttpStatusCode.Created, dry.Status);
        Assert.Equal(HttpStatusCode.Created, real.Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\tb")]
    public async Task Post_BadKey_IsRefused(string key)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync("/v1/entries", AdminHost.Entry("web"), (Header, key));

        Assert.Equal(["Idempotency-Key: is not one key of 1 to 255 printable ASCII characters"], answer.Errors());
    }

    [Fact]
    public async Task Post_KeyOf255Characters_IsTheLongest()
    {
        await using var host = await AdminHost.StartAsync();

        var longest = await host.PostAsync("/v1/join-tokens", "{}", (Header, new string('k', 255)));
        var longer = await host.PostAsync("/v1/join-tokens", "{}", (Header, new string('k', 256)));

        Assert.Equal(HttpStatusCode.Created, longest.Status);
        Assert.Equal(HttpStatusCode.BadRequest, longer.Status);
    }

    [Fact]
    public async Task Post_AnswerWithASecret_IsSealedInTheStore()
    {
        await using var host = await AdminHost.StartAsync();
        var ct = TestContext.Current.CancellationToken;
        var token = (string)(await host.PostAsync("/v1/join-tokens", "{}", (Header, "the-key"))).Json["token"]!;
        var files = Directory.GetFiles(host.Store.Options.DataDir, "meshca.db*");

        Assert.NotEmpty(files);
        foreach (var file in files.Where(static f => !f.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            var text = await reader.ReadToEndAsync(ct);
            Assert.DoesNotContain(token, text, StringComparison.Ordinal);
            Assert.DoesNotContain("the-key", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Keep_BeyondTheBound_DropsTheOldest()
    {
        await using var host = await AdminHost.StartAsync();
        var ct = TestContext.Current.CancellationToken;
        var answers = new SqliteAnswers(host.Store.Database);
        var start = host.Store.Time.GetUtcNow();
        for (var i = 0; i < 10; i++)
        {
            await answers.KeepAsync(new byte[] { (byte)i }, new([1], [2]), start.AddSeconds(i), ct);
        }

        await host.Store.Database.WriteAsync(
            static s =>
            {
                SqliteAnswers.Trim(s, maxCount: 4);
                return true;
            },
            Durability.Power,
            ct
        );

        for (var i = 0; i < 10; i++)
        {
            var found = await answers.FindAsync(new byte[] { (byte)i }, start.AddSeconds(10), ct);
            Assert.Equal(i >= 6, found is not null);
        }
    }

    private static void AssertSame(Answer expected, Answer actual)
    {
        Assert.Equal(expected.Status, actual.Status);
        Assert.Equal(expected.Body, actual.Body);
        Assert.Equal(expected.Location, actual.Location);
        Assert.Equal(expected.ETag, actual.ETag);
        Assert.Equal(expected.ContentType, actual.ContentType);
    }
}
