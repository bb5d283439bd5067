using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.Rest;

public sealed class BundleTests
{
    private const string Partner = "/v1/bundles/partner.example";

    private const string PemChain = "application/pem-certificate-chain";

    [Fact]
    public async Task Get_OwnBundle_IsJwksOrPemByAccept()
    {
        await using var host = await AdminHost.StartAsync();
        var root = Root("own");
        await PublishAsync(host, root);

        var any = await host.GetAsync("/v1/bundles/example.org");
        var json = await host.GetAsync("/v1/bundles/example.org", ("Accept", "application/json"));
        var pem = await host.GetAsync("/v1/bundles/example.org", ("Accept", $"text/html, {PemChain};q=0.9"));
        var pemFile = await host.GetAsync("/v1/bundles/example.org", ("Accept", "application/x-pem-file"));

        Assert.Equal("application/json; charset=utf-8", any.ContentType);
        Assert.Equal(any.Body, json.Body);
        var bundle = SpiffeBundleJson.Parse(TrustDomain.Parse("example.org"), Encoding.UTF8.GetBytes(json.Body));
        Assert.Equal(root, Assert.Single(bundle.X509Authorities).ToArray());
        Assert.Equal(1ul, bundle.SequenceNumber);
        Assert.Equal(PemChain, pem.ContentType);
        Assert.Equal("application/x-pem-file", pemFile.ContentType);
        Assert.Equal(pem.Body, pemFile.Body);
        using var certificate = X509Certificate2.CreateFromPem(pem.Body);
        Assert.Equal(root, certificate.RawData);
        Assert.Equal("Accept", json.Header("Vary"));
        Assert.NotEqual(json.ETag, pem.ETag, StringComparer.Ordinal);
    }

    [Fact]
    public async Task Get_NoAcceptableForm_IsProblem406()
    {
        await using var host = await AdminHost.StartAsync();
        await PublishAsync(host, Root("own"));

        var answer = await host.GetAsync("/v1/bundles/example.org", ("Accept", "text/html"));

        Assert.Equal(
            $"there is no acceptable form; ask for application/json or {PemChain} or application/x-pem-file",
            answer.Detail(HttpStatusCode.NotAcceptable, "not_acceptable")
        );
    }

    [Fact]
    public async Task Put_FederatedBundle_IsServedAndListed()
    {
        await using var host = await AdminHost.StartAsync();
        await PublishAsync(host, Root("own"));
        var partner = Root("partner");

        var created = await host.SendAsync(HttpMethod.Put, Partner, Jwks("partner.example", partner));
        var replaced = await host.SendAsync(HttpMethod.Put, Partner, Jwks("partner.example", partner));

        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.Equal(Partner, created.Location);
        Assert.Equal(HttpStatusCode.OK, replaced.Status);
        var get = await host.GetAsync(Partner);
        Assert.Equal(created.Body, get.Body);
        Assert.Equal(created.ETag, get.ETag);
        Assert.Equal(
            """{"items":[{"trustDomain":"example.org","federated":false,"sequenceNumber":1,"refreshHint":null,"x509Authorities":1,"jwtAuthorities":0},{"trustDomain":"partner.example","federated":true,"sequenceNumber":null,"refreshHint":null,"x509Authorities":1,"jwtAuthorities":0}],"nextPageToken":""}""",
            (await host.GetAsync("/v1/bundles")).Body
        );
    }

    [Fact]
    public async Task Put_Pem_IsTaken()
    {
        await using var host = await AdminHost.StartAsync();
        var pem = new string(PemEncoding.Write("CERTIFICATE", Root("partner"))) + "\n";

        var put = await host.SendAsync(HttpMethod.Put, Partner, pem, PemChain);

        Assert.Equal(HttpStatusCode.Created, put.Status);
        Assert.Equal(pem, (await host.GetAsync(Partner, ("Accept", PemChain))).Body);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Change_OwnBundle_IsRefused(string method)
    {
        await using var host = await AdminHost.StartAsync();
        await PublishAsync(host, Root("own"));
        var body = method == "PUT" ? Jwks("example.org", Root("other")) : null;

        var answer = await host.SendAsync(new HttpMethod(method), "/v1/bundles/example.org", body);

        Assert.Equal(
            "example.org is our own trust domain, whose bundle only the authority changes",
            answer.Detail(HttpStatusCode.BadRequest, "malformed")
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"EC"}]}""")]
    [InlineData("""{"keys":[{"use":"x509-svid","kty":"EC","x5c":["AAAA"]}]}""")]
    public async Task Put_NotABundle_IsRefused(string body)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.SendAsync(HttpMethod.Put, Partner, body);

        answer.Problem(HttpStatusCode.BadRequest, "malformed");
        (await host.GetAsync(Partner)).Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Put_NotPem_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.SendAsync(HttpMethod.Put, Partner, "no certificate", PemChain);

        answer.Problem(HttpStatusCode.BadRequest, "malformed");
    }

    [Fact]
    public async Task Delete_FederatedBundle_IsGone()
    {
        await using var host = await AdminHost.StartAsync();
        await host.SendAsync(HttpMethod.Put, Partner, Jwks("partner.example", Root("partner")));

        var dry = await host.SendAsync(HttpMethod.Delete, Partner + "?dryRun=true");
        var still = await host.GetAsync(Partner);
        var deleted = await host.SendAsync(HttpMethod.Delete, Partner);

        Assert.Equal(HttpStatusCode.NoContent, dry.Status);
        Assert.Equal(HttpStatusCode.OK, still.Status);
        Assert.Equal(HttpStatusCode.NoContent, deleted.Status);
        (await host.GetAsync(Partner)).Problem(HttpStatusCode.NotFound, "not_found");
        (await host.SendAsync(HttpMethod.Delete, Partner)).Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Put_DryRun_StoresNothing()
    {
        await using var host = await AdminHost.StartAsync();

        var dry = await host.SendAsync(HttpMethod.Put, Partner + "?dryRun=true", Jwks("partner.example", Root("p")));

        Assert.Equal(HttpStatusCode.Created, dry.Status);
        (await host.GetAsync(Partner)).Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Change_IfMatch_IsHonouredForEitherForm()
    {
        await using var host = await AdminHost.StartAsync();
        var first = await host.SendAsync(HttpMethod.Put, Partner, Jwks("partner.example", Root("p1")));
        var pem = await host.GetAsync(Partner, ("Accept", PemChain));

        var byPem = await PutIfAsync(pem.ETag!, "p2");
        var stale = await PutIfAsync(first.ETag!, "p3");
        var byJson = await PutIfAsync(byPem.ETag!, "p4");
        var missing = await host.SendAsync(
            HttpMethod.Put,
            "/v1/bundles/new.example",
            Jwks("new.example", Root("n")),
            headers: ("If-Match", "*")
        );

        Assert.Equal(HttpStatusCode.OK, byPem.Status);
        stale.Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        Assert.Equal(HttpStatusCode.OK, byJson.Status);
        missing.Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");

        Task<Answer> PutIfAsync(string etag, string name) =>
            host.SendAsync(HttpMethod.Put, Partner, Jwks("partner.example", Root(name)), headers: ("If-Match", etag));
    }

    private static Task<TrustBundle> PublishAsync(AdminHost host, byte[] root) =>
        host.Store.Bundles.PublishOwnAsync([root], [], TestContext.Current.CancellationToken);

    private static string Jwks(string trustDomain, byte[] root) =>
        Encoding.UTF8.GetString(SpiffeBundleJson.Write(new(TrustDomain.Parse(trustDomain), [root])));

    internal static byte[] Root(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(
            new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2036, 1, 1, 0, 0, 0, TimeSpan.Zero)
        );
        return certificate.RawData;
    }
}
