using System.Collections.Immutable;
using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/entries</c>.</summary>
internal sealed class EntryEndpoints(EntryRegistry entries, AdminJournal journal) : IEndpoints
{
    private const string Path = "/v1/entries";

    public ImmutableArray<Route> Routes =>
        [
            new("GET", Path, ListAsync, [.. Paging.Parameters, "spiffeId", "selector"]),
            new("POST", Path, CreateAsync),
            new("GET", Path + "/{id}", GetAsync),
            new("PUT", Path + "/{id}", ReplaceAsync),
            new("DELETE", Path + "/{id}", DeleteAsync),
        ];

    private ValueTask<ApiResult> ListAsync(ApiRequest request, CancellationToken ct)
    {
        var filter = new EntryFilter
        {
            SpiffeId = request.Query.Value("spiffeId", static s => SpiffeId.Parse(s)),
            Selector = request.Query.Value("selector", static s => Selector.Parse(s)),
        };
        return new(
            Paging.Answer(
                request,
                $"{Path}?spiffeId={filter.SpiffeId}&selector={filter.Selector}",
                (after, count) => entries.List(filter, after, count),
                EntryJson.Of,
                RestJson.Api.EntryList
            )
        );
    }

    private async ValueTask<ApiResult> CreateAsync(ApiRequest request, CancellationToken ct)
    {
        var draft = EntryBody.Read(request.Body, present: null, entries.Rules);
        journal.Audit(request, "entry.created", target: null);
        var entry = await entries.CreateAsync(draft, request.DryRun, ct);
        journal.Log(request, "entry.created", entry.Id);

        return Answer(201, entry, request.DryRun) with
        {
            Location = $"{Path}/{entry.Id}",
        };
    }

    private ValueTask<ApiResult> GetAsync(ApiRequest request, CancellationToken ct)
    {
        request.Query.ThrowIfAny();
        return new(Answer(200, entries.Get(request.Id), dryRun: false));
    }

    private async ValueTask<ApiResult> ReplaceAsync(ApiRequest request, CancellationToken ct)
    {
        var present = entries.Get(request.Id);
        var draft = EntryBody.Read(request.Body, present, entries.Rules);
        journal.Audit(request, "entry.updated", present.Id);
        var entry = await entries.UpdateAsync(
            present.Id,
            draft,
            ExpectedRevision(request, present),
            request.DryRun,
            ct
        );
        journal.Log(request, "entry.updated", entry.Id);

        return Answer(200, entry, request.DryRun);
    }

    private async ValueTask<ApiResult> DeleteAsync(ApiRequest request, CancellationToken ct)
    {
        var present = entries.Get(request.Id);
        journal.Audit(request, "entry.deleted", present.Id);
        await entries.DeleteAsync(present.Id, ExpectedRevision(request, present), request.DryRun, ct);
        journal.Log(request, "entry.deleted", present.Id);

        return ApiResult.NoContent;
    }

    /// <summary>A dry run makes no revision, so it answers no ETag.</summary>
    private static ApiResult Answer(int status, RegistrationEntry entry, bool dryRun) =>
        ApiResult.Of(status, EntryJson.Of(entry), RestJson.Api.EntryJson) with
        {
            ETag = dryRun ? null : EntityTags.OfRevision(entry.Revision),
        };

    /// <summary>What the store compares once more, in its transaction; null where the caller gave no condition.</summary>
    private static long? ExpectedRevision(ApiRequest request, RegistrationEntry present)
    {
        request.IfMatch?.Demand(EntityTags.OfRevision(present.Revision));
        return request.IfMatch is null or { IsAny: true } ? null : present.Revision;
    }
}
