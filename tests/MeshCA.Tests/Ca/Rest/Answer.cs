using System.Net;
using System.Text.Json.Nodes;

namespace MeshCA.Tests.Ca.Rest;

/// <summary>One answer of the admin API, read whole.</summary>
internal sealed class Answer(HttpResponseMessage response, string body)
{
    public HttpStatusCode Status { get; } = response.StatusCode;

    public string Body { get; } = body;

    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();

    public string? ContentType { get; } = response.Content.Headers.ContentType?.ToString();

    public string? ETag { get; } = response.Headers.ETag?.ToString();

    public string? Location { get; } = response.Headers.Location?.ToString();

    public long? ContentLength { get; } = response.Content.Headers.ContentLength;

    public string Header(string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : "";

    /// <summary>Asserts that it is a problem with every member that a problem has.</summary>
    public JsonObject Problem(HttpStatusCode status, string code)
    {
        Assert.Equal(status, Status);
        Assert.Equal("application/problem+json", ContentType);
        var problem = Json;
        Assert.Equal(
            ["type", "title", "status", "detail", "instance", "code", "requestId", "errors", "blockers"],
            problem.Select(static m => m.Key),
            StringComparer.Ordinal
        );
        Assert.Equal("urn:meshca:problem:" + code, (string?)problem["type"]);
        Assert.Equal(code, (string?)problem["code"]);
        Assert.Equal((int)status, (int)problem["status"]!);
        Assert.NotEmpty((string)problem["title"]!);
        Assert.Equal(Header("X-Request-Id"), (string?)problem["requestId"]);
        Assert.Matches("^[0-9a-f]{24}$", (string)problem["requestId"]!);
        return problem;
    }

    /// <summary>Asserts a 400 and returns its errors as "pointer reason".</summary>
    public string[] Errors() => ErrorsOf(Problem(HttpStatusCode.BadRequest, "malformed"));

    public string Detail(HttpStatusCode status, string code) => (string)Problem(status, code)["detail"]!;

    private static string[] ErrorsOf(JsonObject problem) =>
        [.. problem["errors"]!.AsArray().Select(static e => $"{e!["pointer"]} {e["reason"]}")];
}
