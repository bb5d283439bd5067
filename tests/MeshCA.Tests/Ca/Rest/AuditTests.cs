using System.Text.Json.Nodes;
using MeshCA.Ca.Store.Sqlite;

namespace MeshCA.Tests.Ca.Rest;

/// <summary>What administrators change is in the audit log, with who changed it; what they only try is not.</summary>
public sealed class AuditTests
{
    [Fact]
    public async Task Changes_AreAuditedInOrderAndChained()
    {
        await using var host = await AdminHost.StartAsync();
        host.Caller = "uid:4711";
        var created = await host.PostAsync("/v1/entries", AdminHost.Entry("web"));
        var path = created.Location!;
        var updated = await host.SendAsync(HttpMethod.Put, path, AdminHost.Entry("api"));
        await host.SendAsync(HttpMethod.Delete, path);
        var token = await host.PostAsync("/v1/join-tokens", "{}");

        var audit = await ReadAsync(host);

        Assert.Equal(
            ["entry.created", "entry.updated", "entry.deleted", "joinToken.created"],
            audit.Select(static a => a.Event),
            StringComparer.Ordinal
        );
        Assert.All(audit, static a => Assert.Equal("uid:4711", (string?)a.Detail["caller"]));
        Assert.Equal(created.Header("X-Request-Id"), (string?)audit[0].Detail["requestId"]);
        Assert.True(JsonNode.DeepEquals(created.Json, audit[0].Detail["entry"]));
        Assert.True(JsonNode.DeepEquals(updated.Json, audit[1].Detail["entry"]));
        Assert.Equal((string?)created.Json["id"], (string?)audit[2].Detail["target"]);
        Assert.Equal("for 10m", (string?)audit[3].Detail["target"]);
        Assert.DoesNotContain((string)token.Json["token"]!, audit[3].Detail.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsRefusedRepeatedOrDry_IsNotAudited()
    {
        await using var host = await AdminHost.StartAsync();
        await host.PostAsync("/v1/entries", AdminHost.Entry("web"), ("Idempotency-Key", "k"));

        await host.PostAsync("/v1/entries", AdminHost.Entry("web"), ("Idempotency-Key", "k"));
        await host.PostAsync("/v1/entries", AdminHost.Entry("web"));
        await host.PostAsync("/v1/entries", "{}");
        await host.PostAsync("/v1/entries?dryRun=true", AdminHost.Entry("api"));
        await host.PostAsync("/v1/agents/nobody/ban", null);

        Assert.Single(await ReadAsync(host));
    }

    private static async Task<List<(string Event, JsonObject Detail)>> ReadAsync(AdminHost host) =>
        await host.Store.Database.ReadAsync(
            static session =>
            {
                var rows = new List<(string, JsonObject)>();
                var before = new byte[32];
                using var reader = session
                    .Command("SELECT sequence, time, event, detail, hash FROM audit ORDER BY sequence")
                    .ExecuteReader();
                while (reader.Read())
                {
                    var hash = new byte[32];
                    SqliteAudit.Hash(
                        before,
                        reader.GetInt64(0),
                        reader.GetInt64(1),
                        System.Text.Encoding.ASCII.GetBytes(reader.GetString(2)),
                        System.Text.Encoding.UTF8.GetBytes(reader.GetString(3)),
                        hash
                    );
                    Assert.Equal(hash, reader.GetFieldValue<byte[]>(4));
                    before = hash;
                    rows.Add((reader.GetString(2), JsonNode.Parse(reader.GetString(3))!.AsObject()));
                }

                return rows;
            },
            TestContext.Current.CancellationToken
        );
}
