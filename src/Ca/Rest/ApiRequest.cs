using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace MeshCA.Ca.Rest;

/// <summary>One request after the checks that all requests share.</summary>
internal sealed class ApiRequest(HttpContext http, Route route, string id)
{
    /// <summary>Names the request in the answer's X-Request-Id, in a problem's requestId and in the log.</summary>
    public string RequestId => http.TraceIdentifier;

    /// <summary>Who asks, as the host has authenticated it.</summary>
    public string Caller => http.User.Identity?.Name ?? "unknown";

    public string Method => route.Method;

    /// <summary>The path as sent, for Location headers.</summary>
    public string Path => http.Request.Path.Value ?? "";

    /// <summary>The value of the path's <c>{…}</c> segment; empty where there is none.</summary>
    public string Id { get; } = id;

    public required QueryValues Query { get; init; }

    /// <summary>Check everything, answer as if it had been done, store nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>At most <see cref="JsonBody.MaxSize"/>; valid until the request ends.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Without parameters; empty when there is no body.</summary>
    public string ContentType { get; init; } = "";

    public EntityTags? IfMatch { get; init; }

    public IList<MediaTypeHeaderValue> Accept =>
        http.Request.Headers.Accept.Count == 0 ? [] : http.Request.GetTypedHeaders().Accept;
}
