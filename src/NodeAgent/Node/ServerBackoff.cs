using Grpc.Core;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>How long to wait before the server is asked again: seconds if it is away, longer if it refuses us.</summary>
internal sealed class ServerBackoff
{
    /// <summary>What an operator does about a refusal.</summary>
    public const string Remedy =
        "if the agent was banned, 'meshca agent unban' it; if evicted or expired, give it a new token from 'meshca token create'";

    /// <summary>A server that is back is used again within 10 s.</summary>
    private readonly Backoff _away = Backoff.ForServer();

    /// <summary>An operator must act first; asking sooner only fills logs.</summary>
    private readonly Backoff _refused = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(30));

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

    public TimeSpan Next(Exception e) => (IsRefusal(e) ? _refused : _away).Next();

    public void Reset()
    {
        _away.Reset();
        _refused.Reset();
    }
}
