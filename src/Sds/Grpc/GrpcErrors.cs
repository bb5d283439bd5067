using Grpc.Core;
using MeshCA.Spiffe;

namespace MeshCA.Sds.Grpc;

/// <summary>What a failure becomes on the agent socket: the one place where kinds turn into gRPC statuses.</summary>
public static class GrpcErrors
{
    /// <summary>The status for <paramref name="e"/>; of a defect the caller learns nothing but that.</summary>
    public static Status ToStatus(Exception e) =>
        e switch
        {
            RpcException rpc => rpc.Status,
            MeshCaException { Kind: ErrorKind.Internal } => new(
                StatusCode.Internal,
                "internal error, see the agent's log"
            ),
            MeshCaException expected => new(CodeOf(expected.Kind), expected.Message),
            OperationCanceledException => new(StatusCode.Cancelled, "the call was cancelled"),
            _ => new(StatusCode.Internal, "internal error, see the agent's log"),
        };

    /// <summary>True if the log must have <paramref name="e"/>, since its status does not tell it.</summary>
    public static bool IsDefect(Exception e) =>
        e is not (RpcException or OperationCanceledException or MeshCaException { Kind: not ErrorKind.Internal });

    private static StatusCode CodeOf(ErrorKind kind) =>
        kind switch
        {
            ErrorKind.Malformed => StatusCode.InvalidArgument,
            ErrorKind.Unauthenticated => StatusCode.Unauthenticated,
            ErrorKind.PermissionDenied => StatusCode.PermissionDenied,
            ErrorKind.NotFound => StatusCode.NotFound,
            ErrorKind.AlreadyExists => StatusCode.AlreadyExists,
            ErrorKind.FailedPrecondition => StatusCode.FailedPrecondition,
            ErrorKind.ResourceExhausted => StatusCode.ResourceExhausted,
            ErrorKind.Unavailable => StatusCode.Unavailable,
            ErrorKind.Unimplemented => StatusCode.Unimplemented,
            _ => StatusCode.Internal,
        };
}
