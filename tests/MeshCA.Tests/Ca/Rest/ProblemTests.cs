using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshCA.Ca.Rest;
using MeshCA.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace MeshCA.Tests.Ca.Rest;

public sealed class ProblemTests
{
    private const string Secret = "correct horse battery staple";

    [Theory]
    [InlineData("/")]
    [InlineData("/v1")]
    [InlineData("/v2/entries")]
    [InlineData("/v1/nothing")]
    [InlineData("/v1/entries/a/b")]
    [InlineData("/v1/entries//")]
    [InlineData("/v1//entries")]
    [InlineData("/V1/entries")]
    [InlineData("/favicon.ico")]
    public async Task Get_UnknownPath_IsProblem404(string path)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync(path);

        Assert.Equal(
            $"there is nothing at {path}; see /openapi/v1.json",
            answer.Detail(HttpStatusCode.NotFound, "not_found")
        );
        Assert.Equal(path, (string?)answer.Json["instance"]);
    }

    [Theory]
    [InlineData("/v1/entries/nothing")]
    [InlineData("/v1/entries/00000000-0000-7000-8000-000000000000")]
    [InlineData("/v1/entries/a%2Fb")]
    [InlineData("/v1/entries/%25s%25n")]
    [InlineData("/v1/entries/..%2f..%2fetc")]
    [InlineData("/v1/agents/nobody")]
    [InlineData("/v1/bundles/nowhere.example")]
    [InlineData("/v1/bundles/UPPER")]
    public async Task Get_UnknownId_IsProblem404(string path)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync(path);

        answer.Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("DELETE", "/v1/entries", "GET, HEAD, POST")]
    [InlineData("PATCH", "/v1/entries/x", "GET, HEAD, PUT, DELETE")]
    [InlineData("POST", "/v1/version", "GET, HEAD")]
    [InlineData("GET", "/v1/join-tokens", "POST")]
    [InlineData("GET", "/v1/agents/x/ban", "POST")]
    [InlineData("OPTIONS", "/v1/entries", "GET, HEAD, POST")]
    public async Task Send_MethodThatDoesNotApply_IsProblem405WithAllow(string method, string path, string allow)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.SendAsync(new HttpMethod(method), path);

        Assert.Equal(
            $"{method} does not apply to {path}; it has {allow}",
            answer.Detail(HttpStatusCode.MethodNotAllowed, "method_not_allowed")
        );
        Assert.Equal(allow, answer.Header("Allow"));
    }

    [Theory]
    [InlineData("text/plain", "content type 'text/plain' is not supported; send application/json")]
    [InlineData("application/jsonx", "content type 'application/jsonx' is not supported; send application/json")]
    [InlineData("application/json; charset=utf-16", "charset utf-16 is not supported; send UTF-8")]
    [InlineData("", "the request has a body without a content type; send application/json")]
    public async Task Post_OtherContentType_IsProblem415(string contentType, string detail)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.SendAsync(HttpMethod.Post, "/v1/entries", AdminHost.Entry("web"), contentType);

        Assert.Equal(detail, answer.Detail(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type"));
    }

    [Theory]
    [InlineData("application/json;charset=UTF-8")]
    [InlineData("Application/JSON; charset=\"utf-8\"")]
    public async Task Post_JsonInUtf8_IsTaken(string contentType)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.SendAsync(HttpMethod.Post, "/v1/entries", AdminHost.Entry("web"), contentType);

        Assert.Equal(HttpStatusCode.Created, answer.Status);
    }

    [Theory]
    [InlineData(65_536, false, HttpStatusCode.Created)]
    [InlineData(65_536, true, HttpStatusCode.Created)]
    [InlineData(65_537, false, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(65_537, true, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(5_000_000, false, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(5_000_000, true, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Post_Body_IsTakenUpTo64KiB(int size, bool chunked, HttpStatusCode status)
    {
        await using var host = await AdminHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/entries");
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(AdminHost.Entry("web").PadRight(size)));
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TransferEncodingChunked = chunked;

        var answer = await host.SendAsync(request);

        Assert.Equal(status, answer.Status);
        if (status != HttpStatusCode.Created)
        {
            Assert.Equal("the body is larger than 65536 bytes", answer.Detail(status, "too_large"));
        }
    }

    [Fact]
    public async Task Handler_ThatFails_IsProblem500WithoutTheReason()
    {
        await using var host = await AdminHost.StartAsync(Failing(new InvalidOperationException(Secret)));

        var answer = await host.GetAsync("/v1/test-defect");

        var problem = answer.Problem(HttpStatusCode.InternalServerError, "internal");
        Assert.DoesNotContain(Secret, answer.Body, StringComparison.Ordinal);
        Assert.Contains(
            host.Log.GetSnapshot(),
            r =>
                r.Exception?.Message == Secret
                && r.Message.Contains((string)problem["requestId"]!, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Handler_InternalError_IsProblem500WithoutTheReason()
    {
        await using var host = await AdminHost.StartAsync(Failing(new MeshCaException(ErrorKind.Internal, Secret)));

        var answer = await host.GetAsync("/v1/test-defect");

        answer.Problem(HttpStatusCode.InternalServerError, "internal");
        Assert.DoesNotContain(Secret, answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ErrorKind.Malformed, 400, "malformed")]
    [InlineData(ErrorKind.Unauthenticated, 401, "unauthenticated")]
    [InlineData(ErrorKind.PermissionDenied, 403, "permission_denied")]
    [InlineData(ErrorKind.NotFound, 404, "not_found")]
    [InlineData(ErrorKind.AlreadyExists, 409, "already_exists")]
    [InlineData(ErrorKind.FailedPrecondition, 409, "failed_precondition")]
    [InlineData(ErrorKind.Stale, 412, "precondition_failed")]
    [InlineData(ErrorKind.ResourceExhausted, 429, "resource_exhausted")]
    [InlineData(ErrorKind.Unavailable, 503, "unavailable")]
    [InlineData(ErrorKind.Unimplemented, 501, "unimplemented")]
    public async Task Handler_ExpectedFailure_IsItsProblem(ErrorKind kind, int status, string code)
    {
        await using var host = await AdminHost.StartAsync(
            Failing(new MeshCaException(kind, "no, because") { Errors = [new("/part", "is odd")] })
        );

        var answer = await host.GetAsync("/v1/test-defect");

        Assert.Equal("no, because", answer.Detail((HttpStatusCode)status, code));
        var error = Assert.Single(answer.Json["errors"]!.AsArray())!;
        Assert.Equal("/part", (string?)error["pointer"]);
        Assert.Equal("is odd", (string?)error["reason"]);
    }

    [Theory]
    [InlineData("/v1/version")]
    [InlineData("/v1/health")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/v1/agents/nobody")]
    [InlineData("/v1/entries/nothing")]
    [InlineData("/v1/bundles/example.org")]
    public async Task Get_UnknownParameter_IsRefused(string path)
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync(path + "?verbose=1");

        Assert.Equal(["?verbose unknown parameter; there are none"], answer.Errors());
    }

    [Fact]
    public async Task Head_OfWhatGetAnswers_HasItsHeadersAndNoBody()
    {
        await using var host = await AdminHost.StartAsync();
        var id = await host.CreateEntryAsync("web");
        var get = await host.GetAsync("/v1/entries/" + id);

        var head = await host.SendAsync(HttpMethod.Head, "/v1/entries/" + id);

        Assert.Equal(HttpStatusCode.OK, head.Status);
        Assert.Equal(get.ETag, head.ETag);
        Assert.Equal(get.ContentLength, head.ContentLength);
        Assert.Equal("", head.Body);
    }

    [Fact]
    public async Task Head_OfUnknownPath_HasNoBody()
    {
        await using var host = await AdminHost.StartAsync();

        var head = await host.SendAsync(HttpMethod.Head, "/v1/nothing");

        Assert.Equal(HttpStatusCode.NotFound, head.Status);
        Assert.Equal("application/problem+json", head.ContentType);
        Assert.Equal("", head.Body);
    }

    [Fact]
    public async Task Get_TrailingSlash_IsTheSame()
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync("/v1/entries/");

        Assert.Equal("""{"items":[],"nextPageToken":""}""", answer.Body);
    }

    [Fact]
    public async Task Send_BrokenChunk_IsRefusedAndTheServerLivesOn()
    {
        await using var host = await AdminHost.StartAsync();
        var ct = TestContext.Current.CancellationToken;
        using var socket = await host.ConnectAsync(ct);
        await socket.SendAsync(
            "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"u8.ToArray(),
            ct
        );
        var buffer = new byte[4096];

        var read = await socket.ReceiveAsync(buffer, ct);

        Assert.StartsWith("HTTP/1.1 400 ", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.GetAsync("/v1/version")).Status);
    }

    [Fact]
    public async Task Send_CallerThatHangsUp_LeavesNothingInTheLog()
    {
        await using var host = await AdminHost.StartAsync();
        var ct = TestContext.Current.CancellationToken;
        using (var socket = await host.ConnectAsync(ct))
        {
            await socket.SendAsync(
                "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"u8.ToArray(),
                ct
            );
            socket.Shutdown(SocketShutdown.Both);
        }

        Assert.Equal(HttpStatusCode.OK, (await host.GetAsync("/v1/version")).Status);
    }

    [Fact]
    public async Task Answers_AreNotCachedNorSniffedAndNameTheRequest()
    {
        await using var host = await AdminHost.StartAsync();

        var one = await host.GetAsync("/v1/version");
        var two = await host.GetAsync("/v1/version", ("X-Request-Id", "mine"));

        Assert.Equal("no-store", one.Header("Cache-Control"));
        Assert.Equal("nosniff", one.Header("X-Content-Type-Options"));
        Assert.Matches("^[0-9a-f]{24}$", one.Header("X-Request-Id"));
        Assert.NotEqual(one.Header("X-Request-Id"), two.Header("X-Request-Id"), StringComparer.Ordinal);
        Assert.NotEqual("mine", two.Header("X-Request-Id"), StringComparer.Ordinal);
    }

    private static Action<IServiceCollection> Failing(Exception error) =>
        services => services.AddSingleton<IEndpoints>(new FailingEndpoints(error));

    private sealed class FailingEndpoints(Exception error) : IEndpoints
    {
        public ImmutableArray<Route> Routes => [new("GET", "/v1/test-defect", (_, _) => throw error)];
    }
}
