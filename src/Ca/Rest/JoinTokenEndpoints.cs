using System.Collections.Immutable;
using MeshCA.Ca.Agents;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/join-tokens</c>.</summary>
internal sealed partial class JoinTokenEndpoints(JoinTokens tokens, ILogger<JoinTokenEndpoints> logger) : IEndpoints
{
    public ImmutableArray<Route> Routes => [new("POST", "/v1/join-tokens", CreateAsync)];

    private async ValueTask<ApiResult> CreateAsync(ApiRequest request, CancellationToken ct)
    {
        var token = await tokens.CreateAsync(ReadTtl(request.Body), request.DryRun, ct);
        if (!request.DryRun)
        {
            LogCreated(request.Caller, token.ExpiresAt, request.RequestId);
        }

        return ApiResult.Of(
            201,
            new JoinTokenJson(token.Token, Rfc3339.Format(token.ExpiresAt)),
            RestJson.Api.JoinTokenJson
        );
    }

    private static TimeSpan? ReadTtl(ReadOnlyMemory<byte> body)
    {
        using var document = JsonBody.Parse(body);
        var errors = new FieldErrors();
        var fields = new JsonFields(document.RootElement, "", errors);
        var ttl = fields.Value("ttl", static s => GoDuration.Parse(s));
        fields.End();
        errors.ThrowIfAny();
        return ttl;
    }

    [LoggerMessage(
        LogLevel.Information,
        "{Caller} created a join token that expires at {ExpiresAt} (request {RequestId})"
    )]
    private partial void LogCreated(string caller, DateTimeOffset expiresAt, string requestId);
}
