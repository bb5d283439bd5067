using System.Net;

namespace MeshCA.Tests.Ca.Rest;

public sealed class EntryTests
{
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
}
