using System.Collections.Immutable;
using MeshCA.Ca.Agents;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/join-tokens</c>.</summary>
internal sealed class JoinTokenEndpoints(JoinTokens tokens, AdminJournal journal) : IEndpoints
{
    public ImmutableArray<Route> Routes => [new("POST", "/v1/join-tokens", CreateAsync)];

    private async ValueTask<ApiResult> CreateAsync(ApiRequest request, CancellationToken ct)
    {
        var ttl = ReadTtl(request.Body) ?? JoinTokens.DefaultTtl;
        // The token itself is written down nowhere.
        var target = "for " + GoDuration.Format(ttl);
        journal.Audit(request, "joinToken.created", target);
        var token = await tokens.CreateAsync(ttl, request.DryRun, ct);
        journal.Log(request, "joinToken.created", target);

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
}
