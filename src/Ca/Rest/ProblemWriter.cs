using System.Security.Cryptography;
using System.Text.Json;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Rest;

/// <summary>Turns every failure of a request into a problem, in one place.</summary>
internal sealed partial class ProblemWriter(ILogger<ProblemWriter> logger)
{
    /// <summary>Null when the caller is gone and there is nobody to answer.</summary>
    public ProblemException? Understand(Exception error, HttpContext http)
    {
        switch (error)
        {
            case ProblemException problem:
                return problem;
            case MeshCaException { Kind: not ErrorKind.Internal } e:
                return new(ProblemKind.Of(e.Kind), e.Message) { Errors = e.Errors };
            case BadHttpRequestException e:
                return new(ProblemKind.OfStatus(e.StatusCode), e.Message);
            case OperationCanceledException or IOException when http.RequestAborted.IsCancellationRequested:
                LogCallerGone(http.Request.Method, http.Request.Path, http.TraceIdentifier);
                return null;
            default:
                // The exception may name what the caller must not see: it goes to the log alone.
                LogDefect(error, http.Request.Method, http.Request.Path, http.TraceIdentifier);
                return new(
                    ProblemKind.Internal,
                    $"the server failed; its log has the reason under {http.TraceIdentifier}"
                );
        }
    }

    public Task WriteAsync(HttpContext http, ProblemException problem)
    {
        var kind = problem.Kind;
        LogRefused(http.Request.Method, http.Request.Path, kind.Status, problem.Message, http.TraceIdentifier);
        var response = http.Response;
        response.StatusCode = kind.Status;
        response.ContentType = MediaTypes.Problem;
        if (problem.Allow is { } allow)
        {
            response.Headers.Allow = allow;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(
            new ProblemJson(
                kind.Type,
                kind.Title,
                kind.Status,
                problem.Message,
                http.Request.Path.ToUriComponent(),
                kind.Code,
                http.TraceIdentifier,
                [.. problem.Errors.Select(static e => new FieldErrorJson(e.JsonPointer, e.Reason))],
                []
            ),
            RestJson.Api.ProblemJson
        );
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(http.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    /// <summary>A fresh id for each request, never the caller's: it has to be unique in the log.</summary>
    public static string NewRequestId() => RandomNumberGenerator.GetHexString(24, lowercase: true);

    [LoggerMessage(LogLevel.Debug, "Refused {Method} {Path} with {Status}: {Reason} (request {RequestId})")]
    private partial void LogRefused(string method, string path, int status, string reason, string requestId);

    [LoggerMessage(LogLevel.Debug, "The caller of {Method} {Path} is gone (request {RequestId})")]
    private partial void LogCallerGone(string method, string path, string requestId);

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed (request {RequestId})")]
    private partial void LogDefect(Exception error, string method, string path, string requestId);
}
