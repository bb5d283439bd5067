using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MeshCA.Ca.Rest;

/// <summary>
/// The admin API: one request delegate with its own route table, so that every answer, a 404 and a 405 too, is a problem
/// of ours, and the way of a request is as short as it can be.
/// </summary>
internal sealed class AdminApi(IEnumerable<IEndpoints> endpoints, IdempotentAnswers idempotent, ProblemWriter problems)
{
    private const string ETagHeader = "ETag";

    public ImmutableArray<Route> Routes { get; } = [.. endpoints.SelectMany(e => e.Routes)];

    /// <summary>Names the request and sets what every answer has.</summary>
    public static void Begin(HttpContext http)
    {
        http.TraceIdentifier = ProblemWriter.NewRequestId();
        http.Response.Headers["X-Request-Id"] = http.TraceIdentifier;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
    }

    public async Task InvokeAsync(HttpContext http)
    {
        Begin(http);
        try
        {
            await WriteAsync(http, await AnswerAsync(http));
        }
        // The boundary of one request: whatever went wrong is answered, and the next request is served.
        catch (Exception e) when (!http.Response.HasStarted)
        {
            if (problems.Understand(e, http) is { } problem)
            {
                await problems.WriteAsync(http, problem);
            }
        }
    }

    private async ValueTask<ApiResult> AnswerAsync(HttpContext http)
    {
        var request = http.Request;
        var route = Find(request, out var id);
        var errors = new FieldErrors();
        var query = new QueryValues(request.Query, errors);
        query.Check(route);
        if (!route.IsMutation)
        {
            return await route.Handler(new(http, route, id) { Query = query }, http.RequestAborted);
        }

        var dryRun = query.Bool("dryRun");
        query.ThrowIfAny();
        var key = route.Method == "POST" ? IdempotencyKey.Read(request.Headers["Idempotency-Key"]) : null;
        var hasBody =
            route.Method != "DELETE"
            && http.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody;
        var contentType = hasBody ? MediaTypes.Check(request.ContentType, route.ContentTypes) : "";
        var body = hasBody ? await BodyBytes.ReadAsync(request, http.RequestAborted) : [];
        var call = new ApiRequest(http, route, id)
        {
            Query = query,
            DryRun = dryRun,
            Body = body,
            ContentType = contentType,
            IfMatch = EntityTags.Parse("If-Match", request.Headers.IfMatch),
        };
        if (dryRun)
        {
            http.Response.Headers["X-Dry-Run"] = "true";
        }

        // Once begun a change is carried through, whether or not the caller still listens.
        return key is null || dryRun
            ? await route.Handler(call, CancellationToken.None)
            : await idempotent.RunAsync(key, call, route.Handler, http.RequestAborted);
    }

    private Route Find(HttpRequest request, out string id)
    {
        var path = request.Path.Value.AsSpan();
        if (path.Length > 1)
        {
            path = path.TrimEnd('/').Length == path.Length - 1 ? path[..^1] : path;
        }

        var method = HttpMethods.IsHead(request.Method) ? "GET" : request.Method;
        List<string>? allowed = null;
        foreach (var route in Routes)
        {
            string? value = null;
            if (!route.Matches(path, ref value))
            {
                continue;
            }

            if (route.Method == method)
            {
                id = value ?? "";
                return route;
            }

            (allowed ??= []).Add(route.Method == "GET" ? "GET, HEAD" : route.Method);
        }

        throw allowed is null
            ? new ProblemException(ProblemKind.NotFound, $"there is nothing at {request.Path}; see /openapi/v1.json")
            : new ProblemException(
                ProblemKind.MethodNotAllowed,
                $"{request.Method} does not apply to {request.Path}; it has {string.Join(", ", allowed)}"
            )
            {
                Allow = string.Join(", ", allowed),
            };
    }

    private static Task WriteAsync(HttpContext http, ApiResult result)
    {
        var response = http.Response;
        if (result.ETag is { } etag)
        {
            response.Headers[ETagHeader] = etag;
        }

        if (result.VariesByAccept)
        {
            response.Headers.Vary = "Accept";
        }

        if (result.Location is { } location)
        {
            response.Headers.Location = location;
        }

        var isRead = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);
        if (
            isRead
            && result.ETag is not null
            && EntityTags.Parse("If-None-Match", http.Request.Headers.IfNoneMatch) is { } known
            && known.Contains(result.ETag, strong: false)
        )
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.StatusCode = result.Status;
        if (result.Status == StatusCodes.Status204NoContent)
        {
            return Task.CompletedTask;
        }

        response.ContentType = result.ContentType;
        response.ContentLength = result.Body.Length;
        return HttpMethods.IsHead(http.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(result.Body, http.RequestAborted).AsTask();
    }
}
