using System.Net;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Authorities;

namespace MeshCA.Tests.Ca.Rest;

public sealed class AuthorityTests
{
    private static readonly DateTimeOffset _issuedAt = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task List_Authorities_AnswersRootsAndIssuing()
    {
        await using var host = await AdminHost.StartAsync();
        await PutAsync(host, Root("b0"), Root("a1") with { ParentId = "b0", State = AuthorityState.Retiring });

        var all = await host.GetAsync("/v1/authorities");
        var x509 = await host.GetAsync("/v1/authorities?use=x509");
        var jwt = await host.GetAsync("/v1/authorities?use=jwt");

        Assert.Equal(
            """{"items":[{"id":"a1","use":"x509","parentId":"b0","state":"retiring","signer":"root","signerKind":"disk","issuedAt":"2026-03-01T12:00:00Z","notAfter":"2027-03-01T12:00:00Z"},{"id":"b0","use":"x509","parentId":null,"state":"active","signer":"root","signerKind":"disk","issuedAt":"2026-03-01T12:00:00Z","notAfter":"2027-03-01T12:00:00Z"}],"nextPageToken":""}""",
            all.Body
        );
        Assert.Equal(all.Body, x509.Body);
        Assert.Equal("""{"items":[],"nextPageToken":""}""", jwt.Body);
    }

    [Fact]
    public async Task List_Pages_CoverAll()
    {
        await using var host = await AdminHost.StartAsync();
        await PutAsync(host, Root("a"), Root("b"), Root("c"));

        var one = (await host.GetAsync("/v1/authorities?pageSize=2")).Json;
        var two = (await host.GetAsync("/v1/authorities?pageSize=2&pageToken=" + one["nextPageToken"])).Json;

        Assert.Equal(2, one["items"]!.AsArray().Count);
        Assert.Equal("c", (string?)Assert.Single(two["items"]!.AsArray())!["id"]);
    }

    [Fact]
    public async Task List_OtherUse_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync("/v1/authorities?use=ssh");

        Assert.Equal(["?use 'ssh' is neither x509 nor jwt"], answer.Errors());
    }

    [Fact]
    public async Task Get_Authority_AnswersItAndItsCertificate()
    {
        await using var host = await AdminHost.StartAsync();
        var root = Root("b0");
        await PutAsync(host, root);

        var authority = await host.GetAsync("/v1/authorities/b0");
        var certificate = await host.GetAsync("/v1/authorities/b0/certificate");

        Assert.Equal("b0", (string?)authority.Json["id"]);
        Assert.Equal("application/pem-certificate-chain", certificate.ContentType);
        using var parsed = X509Certificate2.CreateFromPem(certificate.Body);
        Assert.Equal(root.Certificate.ToArray(), parsed.RawData);
    }

    [Theory]
    [InlineData("/v1/authorities/b0")]
    [InlineData("/v1/authorities/b0/certificate")]
    public async Task Get_UnknownAuthority_IsProblem404(string path)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync(path);

        Assert.Equal("there is no authority b0", answer.Detail(HttpStatusCode.NotFound, "not_found"));
    }

    internal static AuthorityRecord Root(string id) =>
        new()
        {
            Id = id,
            ParentId = null,
            State = AuthorityState.Active,
            Certificate = BundleTests.Root(id),
            SignerName = "root",
            SignerKind = "disk",
            IssuedAt = _issuedAt,
            NotAfter = _issuedAt.AddYears(1),
        };

    internal static Task PutAsync(AdminHost host, params AuthorityRecord[] authorities) =>
        host.Store.Store.PutAuthoritiesAsync(authorities, TestContext.Current.CancellationToken);
}
