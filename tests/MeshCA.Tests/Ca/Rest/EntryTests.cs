using System.Net;
using System.Text.Json.Nodes;

namespace MeshCA.Tests.Ca.Rest;

public sealed class EntryTests
{
    private const string Nowhere = "/v1/entries/00000000-0000-7000-8000-000000000000";

    [Fact]
    public async Task Post_ValidEntry_AnswersItAsCreated()
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.PostAsync(
            "/v1/entries",
            """
            {"spiffeId":"spiffe://example.org/web","selectors":["unix:uid:1000","unix:gid:7"],"parentId":null,
             "x509SvidTtl":"1h30m","jwtSvidTtl":"5m","dnsNames":["web.example.org"],"federatesWith":["partner.example"],
             "hint":"main","labels":{"app":"web"}}
            """
        );

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal("application/json; charset=utf-8", answer.ContentType);
        var id = (string)answer.Json["id"]!;
        Assert.Equal("/v1/entries/" + id, answer.Location);
        Assert.Equal("\"1\"", answer.ETag);
        Assert.Equal(
            $$"""
            {"id":"{{id}}","spiffeId":"spiffe://example.org/web","parentId":null,"selectors":["unix:gid:7","unix:uid:1000"],"x509SvidTtl":"1h30m","jwtSvidTtl":"5m","dnsNames":["web.example.org"],"federatesWith":["partner.example"],"hint":"main","labels":{"app":"web"},"createdAt":"2026-03-01T12:00:00Z"}
            """,
            answer.Body
        );
        Assert.Equal(answer.Body, (await host.GetAsync(answer.Location!)).Body);
    }

    [Fact]
    public async Task Post_SameIdParentAndSelectors_IsProblem409()
    {
        await using var host = await AdminHost.StartAsync();
        var id = await host.CreateEntryAsync("web");

        var answer = await host.PostAsync("/v1/entries", AdminHost.Entry("web"));

        Assert.Equal(
            $"entry {id} has the same SPIFFE ID, parent and selectors; update that one, or change one of the three",
            answer.Detail(HttpStatusCode.Conflict, "already_exists")
        );
    }

    [Fact]
    public async Task Put_Entry_ReplacesAllThatMayChange()
    {
        await using var host = await AdminHost.StartAsync();
        var created = await host.PostAsync(
            "/v1/entries",
            """{"spiffeId":"spiffe://example.org/web","selectors":["unix:uid:1"],"hint":"old","labels":{"a":"b"},"x509SvidTtl":"5m"}"""
        );

        var put = await host.SendAsync(HttpMethod.Put, created.Location!, AdminHost.Entry("api", "unix:uid:2"));

        Assert.Equal(HttpStatusCode.OK, put.Status);
        Assert.Equal("\"2\"", put.ETag);
        var expected = created.Json;
        expected["spiffeId"] = "spiffe://example.org/api";
        expected["selectors"] = new JsonArray("unix:uid:2");
        expected["hint"] = "";
        expected["labels"] = new JsonObject();
        expected["x509SvidTtl"] = null;
        Assert.Equal(expected.ToJsonString(), put.Json.ToJsonString());
        Assert.Equal(put.Body, (await host.GetAsync(created.Location!)).Body);
    }

    [Fact]
    public async Task Put_WhatGetAnswered_IsTaken()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");
        var get = await host.GetAsync(path);

        var put = await host.SendAsync(HttpMethod.Put, path, get.Body);

        Assert.Equal(get.Body, put.Body);
    }

    [Fact]
    public async Task Put_OtherIdOrCreatedAt_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();
        var id = await host.CreateEntryAsync("web");
        var entry = (await host.GetAsync("/v1/entries/" + id)).Json;
        entry["id"] = "x";
        entry["createdAt"] = "2020-01-01T00:00:00Z";

        var put = await host.SendAsync(HttpMethod.Put, "/v1/entries/" + id, entry.ToJsonString());

        Assert.Equal(
            [$"/id cannot be changed; it is {id}", "/createdAt cannot be changed; it is 2026-03-01T12:00:00Z"],
            put.Errors()
        );
    }

    [Fact]
    public async Task Delete_Entry_IsGone()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");

        var deleted = await host.SendAsync(HttpMethod.Delete, path);

        Assert.Equal(HttpStatusCode.NoContent, deleted.Status);
        Assert.Equal("", deleted.Body);
        (await host.GetAsync(path)).Problem(HttpStatusCode.NotFound, "not_found");
        (await host.SendAsync(HttpMethod.Delete, path)).Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task PutAndDelete_UnknownId_AreProblem404()
    {
        await using var host = await AdminHost.StartAsync();

        var put = await host.SendAsync(HttpMethod.Put, Nowhere, AdminHost.Entry("web"));
        var delete = await host.SendAsync(HttpMethod.Delete, Nowhere);

        put.Problem(HttpStatusCode.NotFound, "not_found");
        delete.Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Change_StaleIfMatch_IsProblem412AndChangesNothing(string method)
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");
        var body = method == "PUT" ? AdminHost.Entry("web", "unix:uid:3") : null;
        await host.SendAsync(HttpMethod.Put, path, AdminHost.Entry("web", "unix:uid:2"));
        var before = await host.GetAsync(path);

        var stale = await host.SendAsync(new HttpMethod(method), path, body, headers: ("If-Match", "\"1\""));
        var weak = await host.SendAsync(new HttpMethod(method), path, body, headers: ("If-Match", "W/\"2\""));

        Assert.Equal(
            "the resource is now at ETag \"2\"; read it again and repeat the change",
            stale.Detail(HttpStatusCode.PreconditionFailed, "precondition_failed")
        );
        weak.Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        Assert.Equal(before.Body, (await host.GetAsync(path)).Body);
    }

    [Theory]
    [InlineData("\"1\"")]
    [InlineData("\"7\", \"1\"")]
    [InlineData("*")]
    public async Task Put_FreshIfMatch_IsDone(string ifMatch)
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");

        var put = await host.SendAsync(
            HttpMethod.Put,
            path,
            AdminHost.Entry("web", "unix:uid:2"),
            headers: ("If-Match", ifMatch)
        );

        Assert.Equal(HttpStatusCode.OK, put.Status);
    }

    [Fact]
    public async Task Put_IfMatchThatIsNoTag_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");

        var put = await host.SendAsync(HttpMethod.Put, path, AdminHost.Entry("web"), headers: ("If-Match", "1"));

        Assert.Equal(["If-Match: is not a list of entity tags, such as \"12\""], put.Errors());
    }

    [Fact]
    public async Task Put_ManyWithOneIfMatch_OneWins()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");

        var answers = await Task.WhenAll(
            Enumerable
                .Range(1, 20)
                .Select(i =>
                    host.SendAsync(
                        HttpMethod.Put,
                        path,
                        AdminHost.Entry("web", $"unix:uid:{i}"),
                        headers: ("If-Match", "\"1\"")
                    )
                )
        );

        Assert.Single(answers, static a => a.Status == HttpStatusCode.OK);
        Assert.Equal(19, answers.Count(static a => a.Status == HttpStatusCode.PreconditionFailed));
    }

    [Fact]
    public async Task Get_IfNoneMatch_Is304WhileItIsTheSame()
    {
        await using var host = await AdminHost.StartAsync();
        var path = "/v1/entries/" + await host.CreateEntryAsync("web");

        var same = await host.GetAsync(path, ("If-None-Match", "W/\"1\""));
        await host.SendAsync(HttpMethod.Put, path, AdminHost.Entry("web", "unix:uid:2"));
        var changed = await host.GetAsync(path, ("If-None-Match", "\"1\""));

        Assert.Equal(HttpStatusCode.NotModified, same.Status);
        Assert.Equal("\"1\"", same.ETag);
        Assert.Equal("", same.Body);
        Assert.Equal(HttpStatusCode.OK, changed.Status);
    }

    [Fact]
    public async Task List_Filters_AnswerTheMatching()
    {
        await using var host = await AdminHost.StartAsync();
        var one = await host.CreateEntryAsync("web", "unix:uid:1");
        var two = await host.CreateEntryAsync("web", "unix:uid:2");
        var three = await host.CreateEntryAsync("api", "unix:uid:2");

        Assert.Equal($"{one},{two},{three}", await ListAsync(host, ""));
        Assert.Equal($"{one},{two}", await ListAsync(host, "?spiffeId=spiffe://example.org/web"));
        Assert.Equal($"{two},{three}", await ListAsync(host, "?selector=unix:uid:2"));
        Assert.Equal(two, await ListAsync(host, "?selector=unix%3Auid%3A2&spiffeId=spiffe%3A%2F%2Fexample.org%2Fweb"));
        Assert.Equal("", await ListAsync(host, "?spiffeId=spiffe://example.org/nobody"));
    }

    [Theory]
    [InlineData("?pageSize=0", "?pageSize '0' is not a number from 1 to 500")]
    [InlineData("?pageSize=501", "?pageSize '501' is not a number from 1 to 500")]
    [InlineData("?pageSize=-1", "?pageSize '-1' is not a number from 1 to 500")]
    [InlineData("?pageSize=1e2", "?pageSize '1e2' is not a number from 1 to 500")]
    [InlineData("?pageSize=", "?pageSize '' is not a number from 1 to 500")]
    [InlineData("?pageSize=99999999999999999999", "?pageSize '99999999999999999999' is not a number from 1 to 500")]
    [InlineData("?pageSize=1&pageSize=2", "?pageSize is given more than once")]
    [InlineData("?pageToken=!", "?pageToken is not a nextPageToken of this list with these filters")]
    [InlineData("?pageToken=abcd", "?pageToken is not a nextPageToken of this list with these filters")]
    [InlineData("?pageToken=AAAAAAAAAAAwMTlj", "?pageToken is not a nextPageToken of this list with these filters")]
    [InlineData("?page=2", "?page unknown parameter; known: pageSize, pageToken, spiffeId, selector")]
    [InlineData("?PageSize=5", "?PageSize unknown parameter; known: pageSize, pageToken, spiffeId, selector")]
    [InlineData("?dryRun=true", "?dryRun unknown parameter; known: pageSize, pageToken, spiffeId, selector")]
    [InlineData(
        "?selector=x&page=1&pageSize=x",
        "?page unknown parameter; known: pageSize, pageToken, spiffeId, selector",
        "?selector 'x' is not a selector: it is not of the form type:value, such as unix:uid:1000",
        "?pageSize 'x' is not a number from 1 to 500"
    )]
    public async Task List_BadQuery_IsAnsweredWithEveryError(string query, params string[] errors)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync("/v1/entries" + query);

        Assert.Equal(errors, answer.Errors());
    }

    [Fact]
    public async Task List_ManyEntries_ComesInPagesOldestFirst()
    {
        await using var host = await AdminHost.StartAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 1201).Select(i => host.CreateEntryAsync($"w{i}")));

        var pages = new List<int>();
        var all = new List<string>();
        var token = "";
        do
        {
            var page = (await host.GetAsync($"/v1/entries?pageSize=500&pageToken={token}")).Json;
            pages.Add(page["items"]!.AsArray().Count);
            all.AddRange(page["items"]!.AsArray().Select(static i => (string)i!["id"]!));
            token = (string)page["nextPageToken"]!;
        } while (token.Length > 0);

        Assert.Equal([500, 500, 201], pages);
        Assert.Equal(ids.Order(StringComparer.Ordinal), all, StringComparer.Ordinal);
        var first = (await host.GetAsync("/v1/entries")).Json;
        Assert.Equal(100, first["items"]!.AsArray().Count);
        var other = await host.GetAsync("/v1/agents?pageToken=" + first["nextPageToken"]);
        Assert.Equal(["?pageToken is not a nextPageToken of this list with these filters"], other.Errors());
    }

    [Fact]
    public async Task Changes_AreLoggedWithTheirCaller()
    {
        await using var host = await AdminHost.StartAsync();
        host.Caller = "uid:4711";
        var created = await host.PostAsync("/v1/entries", AdminHost.Entry("web"));
        var id = created.Json["id"];

        await host.SendAsync(HttpMethod.Put, created.Location!, AdminHost.Entry("web", "unix:uid:2"));
        await host.SendAsync(HttpMethod.Delete, created.Location!);

        var log = host.Log.GetSnapshot().Select(static r => r.Message).ToList();
        Assert.Contains(
            $"uid:4711: entry.created {id} (request {created.Header("X-Request-Id")})",
            log,
            StringComparer.Ordinal
        );
        Assert.Contains(log, m => m.StartsWith($"uid:4711: entry.updated {id} ", StringComparison.Ordinal));
        Assert.Contains(log, m => m.StartsWith($"uid:4711: entry.deleted {id} ", StringComparison.Ordinal));
    }

    /// <summary>The ids, joined by commas.</summary>
    private static async Task<string> ListAsync(AdminHost host, string query) =>
        string.Join(
            ',',
            (await host.GetAsync("/v1/entries" + query)).Json["items"]!.AsArray().Select(static i => i!["id"])
        );
}
