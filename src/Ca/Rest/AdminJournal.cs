using System.Text.Json;
using MeshCA.Ca.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Rest;

/// <summary>Writes every change that an administrator makes into the audit log and the log, with who made it.</summary>
internal sealed partial class AdminJournal(TimeProvider time, ILogger<AdminJournal> logger)
{
    /// <summary>Has the store audit the change that the calling method makes next; nothing for a dry run.</summary>
    /// <param name="request">Who asks, and by which request.</param>
    /// <param name="change">Such as <c>entry.created</c>.</param>
    /// <param name="target">What is changed; null for a new entry, whose id the store's change tells.</param>
    public void Audit(ApiRequest request, string change, string? target)
    {
        if (!request.DryRun)
        {
            AuditScope.Current = new(
                change,
                time,
                made =>
                    JsonSerializer.SerializeToUtf8Bytes(
                        new AuditDetailJson(
                            request.Caller,
                            request.RequestId,
                            target ?? made?.Key.Key ?? "",
                            made?.Entry is { } entry ? EntryJson.Of(entry) : null
                        ),
                        RestJson.Api.AuditDetailJson
                    )
            );
        }
    }

    /// <summary>Says in the log what has been done; nothing for a dry run.</summary>
    public void Log(ApiRequest request, string change, string target)
    {
        if (!request.DryRun)
        {
            LogChanged(request.Caller, change, target, request.RequestId);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Caller}: {Change} {Target} (request {RequestId})")]
    private partial void LogChanged(string caller, string change, string target, string requestId);
}
