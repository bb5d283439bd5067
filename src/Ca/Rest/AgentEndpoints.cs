using System.Collections.Immutable;
using MeshCA.Ca.Agents;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/agents</c>.</summary>
internal sealed class AgentEndpoints(AgentRegistry agents, AdminJournal journal) : IEndpoints
{
    private const string Path = "/v1/agents";

    public ImmutableArray<Route> Routes =>
        [
            new("GET", Path, ListAsync, Paging.Parameters),
            new("GET", Path + "/{id}", GetAsync),
            new("POST", Path + "/{id}/ban", BanAsync),
            new("POST", Path + "/{id}/unban", UnbanAsync),
            new("POST", Path + "/{id}/evict", EvictAsync),
        ];

    private ValueTask<ApiResult> ListAsync(ApiRequest request, CancellationToken ct) =>
        new(Paging.Answer(request, Path, agents.List, AgentJson.Of, RestJson.Api.AgentList));

    private ValueTask<ApiResult> GetAsync(ApiRequest request, CancellationToken ct)
    {
        request.Query.ThrowIfAny();
        return new(Answer(agents.Get(request.Id)).WithContentTag());
    }

    private async ValueTask<ApiResult> BanAsync(ApiRequest request, CancellationToken ct)
    {
        JsonBody.ExpectNothing(request.Body);
        journal.Audit(request, "agent.banned", request.Id);
        var agent = await agents.BanAsync(request.Id, request.DryRun, ct);
        journal.Log(request, "agent.banned", agent.Record.Id);
        return Answer(request.DryRun ? Would(agent, banned: true) : agent);
    }

    private async ValueTask<ApiResult> UnbanAsync(ApiRequest request, CancellationToken ct)
    {
        JsonBody.ExpectNothing(request.Body);
        journal.Audit(request, "agent.unbanned", request.Id);
        var agent = await agents.UnbanAsync(request.Id, request.DryRun, ct);
        journal.Log(request, "agent.unbanned", agent.Record.Id);
        return Answer(request.DryRun ? Would(agent, banned: false) : agent);
    }

    private async ValueTask<ApiResult> EvictAsync(ApiRequest request, CancellationToken ct)
    {
        JsonBody.ExpectNothing(request.Body);
        var agent = agents.Get(request.Id);
        journal.Audit(request, "agent.evicted", agent.Record.Id);
        await agents.EvictAsync(request.Id, request.DryRun, ct);
        journal.Log(request, "agent.evicted", agent.Record.Id);
        return ApiResult.NoContent;
    }

    /// <summary>What a dry run answers: the agent as it would be.</summary>
    private static AgentStatus Would(AgentStatus agent, bool banned) =>
        agent with
        {
            Record = agent.Record with { Banned = banned },
        };

    private static ApiResult Answer(AgentStatus agent) =>
        ApiResult.Of(200, AgentJson.Of(agent), RestJson.Api.AgentJson);
}
