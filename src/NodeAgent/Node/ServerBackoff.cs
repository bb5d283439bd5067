using Grpc.Core;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>How long to wait before the server is asked again: seconds if it is away, longer if it refuses us.</summary>
internal sealed class ServerBackoff(TimeProvider time)
{
    /// <summary>What an operator does about a refusal.</summary>
    public const string Remedy =
        "if the agent was banned, 'meshca agent unban' it; if evicted or expired, give it a new token from 'meshca token create'";

    private static readonly TimeSpan _logInterval = TimeSpan.FromMinutes(1);

    /// <summary>A server that is back is used again within 10 s.</summary>
    private readonly Backoff _away = Backoff.ForServer();

    /// <summary>An operator must act first; asking sooner only fills logs.</summary>
    private readonly Backoff _refused = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(30));

    private string? _logged;
    private long _loggedAt;

    public static bool IsRefusal(Exception e) =>
        e
            is RpcException
                {
                    StatusCode: StatusCode.Unauthenticated
                        or StatusCode.PermissionDenied
                        or StatusCode.InvalidArgument
                        or StatusCode.NotFound
                        or StatusCode.FailedPrecondition
                }
                or MeshCaException { Kind: ErrorKind.FailedPrecondition };

    /// <summary>What to log and show of a failed call.</summary>
    public static string Reason(Exception e) => e is RpcException rpc ? rpc.Status.Detail : e.Message;

    /// <summary>
    /// False for what was logged within the last minute: an outage is one line a minute. A stack trace is worth its space
    /// only if the failure is none of the expected kinds.
    /// </summary>
    public bool ShouldLog(Exception e, out Exception? trace)
    {
        trace = e is RpcException or MeshCaException or IOException ? null : e;
        var reason = Reason(e);
        if (reason == _logged && time.GetElapsedTime(_loggedAt) < _logInterval)
        {
            return false;
        }

        (_logged, _loggedAt) = (reason, time.GetTimestamp());
        return true;
    }

    public TimeSpan Next(Exception e) => (IsRefusal(e) ? _refused : _away).Next();

    public void Reset()
    {
        _away.Reset();
        _refused.Reset();
        _logged = null;
    }
}
