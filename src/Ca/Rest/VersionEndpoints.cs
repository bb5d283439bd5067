using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;

namespace MeshCA.Ca.Rest;

/// <summary>What is running, and the description of this API.</summary>
internal sealed class VersionEndpoints(ServerOptions options) : IEndpoints
{
    private const string OpenApiResource = "openapi.v1.json";

    private static readonly byte[] _openApi = ReadOpenApi();

    private readonly ApiResult _version = new(200)
    {
        Body = JsonSerializer.SerializeToUtf8Bytes(
            new VersionJson(ProductVersion(), options.TrustDomain.Name),
            RestJson.Api.VersionJson
        ),
    };

    public ImmutableArray<Route> Routes =>
        [
            new("GET", "/v1/version", (request, _) => AnswerAsync(request, _version)),
            new("GET", "/openapi/v1.json", (request, _) => AnswerAsync(request, new(200) { Body = _openApi })),
        ];

    private static ValueTask<ApiResult> AnswerAsync(ApiRequest request, ApiResult result)
    {
        request.Query.ThrowIfAny();
        return new(result);
    }

    /// <summary>Without the commit that the build appends after a plus sign.</summary>
    private static string ProductVersion()
    {
        var version =
            typeof(VersionEndpoints)
                .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
                ?.InformationalVersion
            ?? "0.0.0";
        return version.Split('+')[0];
    }

    private static byte[] ReadOpenApi()
    {
        using var stream = typeof(VersionEndpoints).Assembly.GetManifestResourceStream(OpenApiResource)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
