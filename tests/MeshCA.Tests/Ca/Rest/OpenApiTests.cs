using System.Net;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using MeshCA.Ca.Rest;

namespace MeshCA.Tests.Ca.Rest;

/// <summary>The description of the API says what is served, no more and no less.</summary>
public sealed class OpenApiTests
{
    private static readonly string[] _methods = ["get", "post", "put", "delete"];

    /// <summary>Which of our documents each schema describes.</summary>
    private static readonly Dictionary<string, JsonTypeInfo> _schemas = new(StringComparer.Ordinal)
    {
        ["Version"] = RestJson.Api.VersionJson,
        ["Health"] = RestJson.Api.HealthJson,
        ["Component"] = RestJson.Api.ComponentJson,
        ["Entry"] = RestJson.Api.EntryJson,
        ["EntryList"] = RestJson.Api.EntryList,
        ["JoinToken"] = RestJson.Api.JoinTokenJson,
        ["Agent"] = RestJson.Api.AgentJson,
        ["AgentReport"] = RestJson.Api.AgentReportJson,
        ["SdsSubscription"] = RestJson.Api.SdsSubscriptionReport,
        ["AgentList"] = RestJson.Api.AgentList,
        ["Bundle"] = RestJson.Api.BundleJson,
        ["BundleList"] = RestJson.Api.BundleList,
        ["Identity"] = RestJson.Api.IdentityJson,
        ["IdentityList"] = RestJson.Api.IdentityList,
        ["Authority"] = RestJson.Api.AuthorityJson,
        ["AuthorityList"] = RestJson.Api.AuthorityList,
        ["Problem"] = RestJson.Api.ProblemJson,
        ["FieldError"] = RestJson.Api.FieldErrorJson,
        ["Blocker"] = RestJson.Api.BlockerJson,
    };

    [Fact]
    public async Task Get_OpenApi_IsTheCheckedInDocument()
    {
        await using var host = await AdminHost.StartAsync();

        var answer = await host.GetAsync("/openapi/v1.json");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("3.1.0", (string?)answer.Json["openapi"]);
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "MeshCA.sln")))
        {
            root = root.Parent!;
        }

        var file = Path.Combine(root.FullName, "docs", "openapi", "v1.json");
        Assert.Equal(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), answer.Body);
    }

    [Fact]
    public async Task Document_PathsAndMethods_AreTheRoutes()
    {
        await using var host = await AdminHost.StartAsync();
        var document = (await host.GetAsync("/openapi/v1.json")).Json;

        var described = document["paths"]!
            .AsObject()
            .SelectMany(static p =>
                p.Value!.AsObject()
                    .Where(static m => _methods.Contains(m.Key))
                    .Select(m => $"{m.Key.ToUpperInvariant()} {p.Key}")
            );

        Assert.Equal(
            host.Routes.Select(static r => $"{r.Method} {r.Template}").Order(StringComparer.Ordinal),
            described.Order(StringComparer.Ordinal),
            StringComparer.Ordinal
        );
    }

    [Fact]
    public async Task Document_Parameters_AreWhatTheRoutesTake()
    {
        await using var host = await AdminHost.StartAsync();
        var document = (await host.GetAsync("/openapi/v1.json")).Json;

        foreach (var route in host.Routes)
        {
            var path = document["paths"]![route.Template]!;
            var operation = path[route.Method.ToLowerInvariant()]!;
            var parameters = (operation["parameters"]?.AsArray() ?? [])
                .Concat(path["parameters"]?.AsArray() ?? [])
                .Select(p => Resolve(document, p!))
                .Select(static p => $"{p["in"]} {p["name"]}");
            IEnumerable<string> expected =
            [
                .. route.Query.Select(static q => "query " + q),
                .. route.IsMutation ? ["query dryRun"] : Array.Empty<string>(),
                .. route.Method == "POST" ? ["header Idempotency-Key"] : Array.Empty<string>(),
                .. route.Method is "PUT" or "DELETE" ? ["header If-Match"] : Array.Empty<string>(),
                .. route.Method == "GET" && route.Template.Contains('{', StringComparison.Ordinal)
                    ? ["header If-None-Match"]
                    : Array.Empty<string>(),
                .. route
                    .Template.Split('/')
                    .Where(static s => s.StartsWith('{'))
                    .Select(static s => "path " + s[1..^1]),
            ];
            Assert.Equal(
                expected.Order(StringComparer.Ordinal),
                parameters.Order(StringComparer.Ordinal),
                StringComparer.Ordinal
            );
            var types = operation["requestBody"]?["content"]?.AsObject().Select(static c => c.Key) ?? [];
            Assert.Equal(route.Method is "POST" or "PUT" ? route.ContentTypes : [], types, StringComparer.Ordinal);
        }
    }

    [Fact]
    public async Task Document_Schemas_HaveTheMembersThatAreAnswered()
    {
        await using var host = await AdminHost.StartAsync();
        var schemas = (await host.GetAsync("/openapi/v1.json")).Json["components"]!["schemas"]!;

        foreach (var (name, type) in _schemas)
        {
            var schema = schemas[name]!;
            var members = type.Properties.Select(static p => p.Name).ToList();
            Assert.Equal(members, schema["properties"]!.AsObject().Select(static p => p.Key), StringComparer.Ordinal);
            Assert.Equal(members, schema["required"]!.AsArray().Select(static r => (string)r!), StringComparer.Ordinal);
            foreach (var member in type.Properties)
            {
                var kind = KindOf(schema["properties"]![member.Name]!);
                Assert.True(kind == ExpectedKind(member), $"{name}.{member.Name} is described as {kind}");
            }
        }
    }

    [Fact]
    public async Task Document_AnsweredSchemas_AreAllChecked()
    {
        await using var host = await AdminHost.StartAsync();
        var schemas = (await host.GetAsync("/openapi/v1.json")).Json["components"]!["schemas"]!.AsObject();

        // The rest is what is read, and the SPIFFE document whose form is another standard's.
        var others = schemas.Select(static s => s.Key).Except(_schemas.Keys, StringComparer.Ordinal);

        Assert.Equal(["EntryRequest", "JoinTokenRequest", "SpiffeBundle"], others, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("/v1/entries", "EntryRequest")]
    [InlineData("/v1/join-tokens", "JoinTokenRequest")]
    public async Task Document_RequestSchemas_HaveTheMembersThatAreKnown(string path, string schema)
    {
        await using var host = await AdminHost.StartAsync();
        var described = (await host.GetAsync("/openapi/v1.json")).Json["components"]!["schemas"]![schema]![
            "properties"
        ]!
            .AsObject()
            .Select(static p => p.Key);

        var errors = (await host.PostAsync(path, """{"unknown":1}""")).Errors();

        Assert.Contains(
            $"/unknown unknown member; known: {string.Join(", ", described)}",
            errors,
            StringComparer.Ordinal
        );
    }

    private static JsonNode Resolve(JsonNode document, JsonNode node)
    {
        if ((string?)node["$ref"] is not { } reference)
        {
            return node;
        }

        foreach (var part in reference.Split('/').Skip(1))
        {
            document = document[part]!;
        }

        return document;
    }

    /// <summary>Such as "string?" for a string or null.</summary>
    private static string KindOf(JsonNode schema)
    {
        if (schema["$ref"] is not null)
        {
            return "object";
        }

        if (schema["anyOf"] is JsonArray any)
        {
            return string.Concat(any.Select(static a => (string?)a!["type"] == "null" ? "?" : KindOf(a)));
        }

        return schema["type"] is JsonArray types
            ? $"{types[0]}{((string?)types[1] == "null" ? "?" : "")}"
            : (string)schema["type"]!;
    }

    private static string ExpectedKind(JsonPropertyInfo member)
    {
        var type = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
        var kind =
            type == typeof(string) ? "string"
            : type == typeof(bool) ? "boolean"
            : type == typeof(int) || type == typeof(long) || type == typeof(ulong) ? "integer"
            : type.Name.StartsWith("ImmutableArray", StringComparison.Ordinal) ? "array"
            : "object";
        return member.IsGetNullable ? kind + "?" : kind;
    }
}
