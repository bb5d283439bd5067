using System.Collections.Immutable;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/health</c>: what <c>/readyz</c> says, for who may use the admin API. Always 200: the API itself answers.</summary>
internal sealed class HealthEndpoints(CaReadiness readiness) : IEndpoints
{
    public ImmutableArray<Route> Routes =>
        [
            new(
                "GET",
                "/v1/health",
                (request, _) =>
                {
                    request.Query.ThrowIfAny();
                    return new(ApiResult.Of(200, HealthJson.Of(readiness), RestJson.Api.HealthJson));
                }
            ),
        ];
}
