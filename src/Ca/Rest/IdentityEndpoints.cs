using System.Collections.Immutable;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Issuance;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/identities</c>: the ledger of every certificate that was issued.</summary>
internal sealed class IdentityEndpoints(IdentityLedger ledger, AgentRegistry agents) : IEndpoints
{
    private const string Path = "/v1/identities";

    public ImmutableArray<Route> Routes =>
        [
            new(
                "GET",
                Path,
                ListAsync,
                [.. Paging.Parameters, "spiffeIdPrefix", "expiresBefore", "agent", "authority"]
            ),
            new("GET", Path + "/{serial}", GetAsync),
        ];

    private async ValueTask<ApiResult> ListAsync(ApiRequest request, CancellationToken ct)
    {
        var query = request.Query;
        var filter = new IdentityFilter
        {
            SpiffeIdPrefix = query.Text(
                "spiffeIdPrefix",
                static s =>
                    s.Length <= SpiffeId.MaxLength
                        ? s
                        : throw new FormatException($"longer than {SpiffeId.MaxLength} bytes")
            ),
            ExpiresBefore = query.Time("expiresBefore"),
            Agent = query.Text("agent", AgentOf),
            Authority = query.String("authority"),
        };
        // A record's text has all of its members: the page token is bound to each filter.
        var list = $"{Path}?{filter}";
        var (after, count) = Paging.Read(request, list);
        var page = await ledger.ListAsync(filter, count, after, ct);
        return Paging.Answer(list, page, IdentityJson.Of, RestJson.Api.IdentityList);
    }

    private async ValueTask<ApiResult> GetAsync(ApiRequest request, CancellationToken ct)
    {
        request.Query.ThrowIfAny();
        var identity = await ledger.GetAsync(request.Id, ct);
        return ApiResult.Of(200, IdentityJson.Of(identity), RestJson.Api.IdentityJson).WithContentTag();
    }

    /// <summary>An agent's id or SPIFFE ID: one that was evicted is known by its SPIFFE ID alone.</summary>
    private string AgentOf(string text) =>
        SpiffeId.TryParse(text, out var id) ? id.ToString() : agents.Get(text).Record.SpiffeId.ToString();
}
