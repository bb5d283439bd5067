using System.Collections.Immutable;
using System.Text;
using MeshCA.Ca.Bundles;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/bundles</c>: our own, which only the authority changes, and federated ones.</summary>
internal sealed class BundleEndpoints(BundleRegistry bundles, ServerOptions options, AdminJournal journal)
    : IEndpoints,
        IDisposable
{
    private const string Path = "/v1/bundles";

    private static readonly ImmutableArray<string> _forms = [MediaTypes.Json, MediaTypes.PemChain, MediaTypes.PemFile];

    /// <summary>Federated bundles are changed here alone: held, an If-Match is true until the change is made.</summary>
    private readonly SemaphoreSlim _changing = new(1);

    public ImmutableArray<Route> Routes =>
        [
            new("GET", Path, ListAsync, Paging.Parameters),
            new("GET", Path + "/{trustDomain}", GetAsync),
            new("PUT", Path + "/{trustDomain}", PutAsync) { ContentTypes = _forms },
            new("DELETE", Path + "/{trustDomain}", DeleteAsync),
        ];

    public void Dispose() => _changing.Dispose();

    private ValueTask<ApiResult> ListAsync(ApiRequest request, CancellationToken ct) =>
        new(
            Paging.Answer(
                request,
                Path,
                bundles.List,
                bundle => BundleJson.Of(bundle, bundle.TrustDomain != options.TrustDomain),
                RestJson.Api.BundleList
            )
        );

    private ValueTask<ApiResult> GetAsync(ApiRequest request, CancellationToken ct)
    {
        request.Query.ThrowIfAny();
        var bundle = bundles.Get(TrustDomainOf(request));
        return new(Answer(200, bundle, MediaTypes.Negotiate(request.Accept, _forms)));
    }

    private async ValueTask<ApiResult> PutAsync(ApiRequest request, CancellationToken ct)
    {
        var trustDomain = TrustDomainOf(request);
        var bundle = Read(trustDomain, request);
        await _changing.WaitAsync(ct);
        try
        {
            var present = bundles.Find(trustDomain);
            DemandMatch(request, present);
            journal.Audit(request, "bundle.set", trustDomain.Name);
            await bundles.SetFederatedAsync(bundle, request.DryRun, ct);
            journal.Log(request, "bundle.set", trustDomain.Name);

            return Answer(present is null ? 201 : 200, bundle, MediaTypes.Json) with
            {
                Location = present is null ? $"{Path}/{trustDomain}" : null,
            };
        }
        finally
        {
            _changing.Release();
        }
    }

    private async ValueTask<ApiResult> DeleteAsync(ApiRequest request, CancellationToken ct)
    {
        var trustDomain = TrustDomainOf(request);
        await _changing.WaitAsync(ct);
        try
        {
            DemandMatch(request, bundles.Find(trustDomain));
            journal.Audit(request, "bundle.deleted", trustDomain.Name);
            await bundles.DeleteFederatedAsync(trustDomain, request.DryRun, ct);
            journal.Log(request, "bundle.deleted", trustDomain.Name);

            return ApiResult.NoContent;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>What is no trust domain has no bundle.</summary>
    private static TrustDomain TrustDomainOf(ApiRequest request) =>
        TrustDomain.TryParse(request.Id, out var trustDomain)
            ? trustDomain
            : throw new ProblemException(
                ProblemKind.NotFound,
                $"'{request.Id}' is not a trust domain, such as example.org"
            );

    private static TrustBundle Read(TrustDomain trustDomain, ApiRequest request)
    {
        try
        {
            return request.ContentType == MediaTypes.Json
                ? SpiffeBundleJson.Parse(trustDomain, request.Body)
                : TrustBundle.ParsePem(trustDomain, Encoding.UTF8.GetString(request.Body.Span));
        }
        catch (Exception e) when (e is FormatException or MeshCaException { Kind: ErrorKind.Malformed })
        {
            throw new ProblemException(ProblemKind.Malformed, e.Message) { Errors = [new("", e.Message)] };
        }
    }

    private static ApiResult Answer(int status, TrustBundle bundle, string form)
    {
        var result = new ApiResult(status)
        {
            Body = form == MediaTypes.Json ? SpiffeBundleJson.Write(bundle) : Encoding.UTF8.GetBytes(bundle.ToPem()),
            ContentType = form == MediaTypes.Json ? ApiResult.JsonType : form,
            VariesByAccept = true,
        };
        return result.WithContentTag();
    }

    /// <summary>Either form's tag will do: they change together.</summary>
    private static void DemandMatch(ApiRequest request, TrustBundle? present)
    {
        if (request.IfMatch is not { } condition)
        {
            return;
        }

        if (present is null)
        {
            throw new ProblemException(ProblemKind.PreconditionFailed, $"there is no bundle of {request.Id}");
        }

        if (!condition.Contains(Answer(200, present, MediaTypes.PemChain).ETag!, strong: true))
        {
            condition.Demand(Answer(200, present, MediaTypes.Json).ETag!);
        }
    }
}
