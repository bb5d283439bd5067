using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Store;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary><c>/v1/authorities</c>: roots and issuing authorities, those that are over included.</summary>
internal sealed class AuthorityEndpoints(IDataStore store) : IEndpoints
{
    private const string Path = "/v1/authorities";

    public ImmutableArray<Route> Routes =>
        [
            new("GET", Path, ListAsync, [.. Paging.Parameters, "use"]),
            new("GET", Path + "/{id}", GetAsync),
            new("GET", Path + "/{id}/certificate", GetCertificateAsync),
        ];

    private async ValueTask<ApiResult> ListAsync(ApiRequest request, CancellationToken ct)
    {
        var use = request.Query.Text("use", ParseUse);
        var list = $"{Path}?use={use}";
        var (after, count) = Paging.Read(request, list);
        // There are no authorities that sign JWT-SVIDs.
        var found = (use is null or AuthorityJson.X509 ? await store.LoadAuthoritiesAsync(ct) : [])
            .Where(a => string.CompareOrdinal(a.Id, after) > 0)
            .OrderBy(static a => a.Id, StringComparer.Ordinal)
            .Take(count + 1)
            .ToImmutableArray();
        var page =
            found.Length > count
                ? new Page<AuthorityRecord>(found[..count], found[count - 1].Id)
                : new Page<AuthorityRecord>(found, Next: null);
        return Paging.Answer(list, page, AuthorityJson.Of, RestJson.Api.AuthorityList);
    }

    private async ValueTask<ApiResult> GetAsync(ApiRequest request, CancellationToken ct)
    {
        var authority = await FindAsync(request, ct);
        return ApiResult.Of(200, AuthorityJson.Of(authority), RestJson.Api.AuthorityJson).WithContentTag();
    }

    private async ValueTask<ApiResult> GetCertificateAsync(ApiRequest request, CancellationToken ct)
    {
        var authority = await FindAsync(request, ct);
        var pem = new string(PemEncoding.Write("CERTIFICATE", authority.Certificate.Span)) + "\n";
        return new ApiResult(200)
        {
            Body = Encoding.ASCII.GetBytes(pem),
            ContentType = MediaTypes.PemChain,
        }.WithContentTag();
    }

    private async Task<AuthorityRecord> FindAsync(ApiRequest request, CancellationToken ct)
    {
        request.Query.ThrowIfAny();
        return (await store.LoadAuthoritiesAsync(ct)).FirstOrDefault(a => a.Id == request.Id)
            ?? throw new MeshCaException(ErrorKind.NotFound, $"there is no authority {request.Id}");
    }

    private static string ParseUse(string text) =>
        text is AuthorityJson.X509 or "jwt" ? text : throw new FormatException($"'{text}' is neither x509 nor jwt");
}
