using System.Text;
using System.Text.Json;
using MeshCA.Ca.Store;
using MeshCA.Ca.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Rest;

/// <summary>Writes every change that an administrator makes into the log and the audit log, with who made it.</summary>
internal sealed partial class AdminJournal(SqliteDatabase database, TimeProvider time, ILogger<AdminJournal> logger)
{
    /// <summary>Notes what has been done; nothing for a dry run.</summary>
    /// <param name="request">Who asked, and by which request.</param>
    /// <param name="change">Such as <c>entry.created</c>.</param>
    /// <param name="target">The id of what was changed.</param>
    /// <param name="entry">The entry as it is now, where the change made one or altered it.</param>
    public async Task RecordAsync(ApiRequest request, string change, string target, EntryJson? entry = null)
    {
        if (request.DryRun)
        {
            return;
        }

        LogChanged(request.Caller, change, target, request.RequestId);
        var detail = JsonSerializer.SerializeToUtf8Bytes(
            new AuditDetailJson(request.Caller, request.RequestId, target, entry),
            RestJson.Api.AuditDetailJson
        );
        // The change itself is safe from a power loss by now. This write goes to the log behind it without another wait
        // for the disk, which would double the time of every request.
        await database.WriteAsync(
            session =>
            {
                new SqliteAudit(session, time.GetUtcNow()).Append(Encoding.ASCII.GetBytes(change), detail);
                return true;
            },
            Durability.Process,
            CancellationToken.None
        );
    }

    [LoggerMessage(LogLevel.Information, "{Caller}: {Change} {Target} (request {RequestId})")]
    private partial void LogChanged(string caller, string change, string target, string requestId);
}
