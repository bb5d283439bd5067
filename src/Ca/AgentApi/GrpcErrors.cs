using Grpc.Core;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>The one place where an <see cref="ErrorKind"/> becomes a gRPC status.</summary>
internal static class GrpcErrors
{
    /// <summary>Callers are told no more of our own defects.</summary>
    public const string InternalText = "internal error; the server's log has more";

    public static Status ToStatus(MeshCaException e) =>
        e.Kind == ErrorKind.Internal ? new(StatusCode.Internal, InternalText) : new(ToCode(e.Kind), e.Message);

    public static StatusCode ToCode(ErrorKind kind) =>
        kind switch
        {
            ErrorKind.Malformed => StatusCode.InvalidArgument,
            ErrorKind.Unauthenticated => StatusCode.Unauthenticated,
            ErrorKind.PermissionDenied => StatusCode.PermissionDenied,
            ErrorKind.NotFound => StatusCode.NotFound,
            ErrorKind.AlreadyExists => StatusCode.AlreadyExists,
            ErrorKind.FailedPrecondition => StatusCode.FailedPrecondition,
            ErrorKind.Stale => StatusCode.Aborted,
            ErrorKind.ResourceExhausted => StatusCode.ResourceExhausted,
            ErrorKind.Unavailable => StatusCode.Unavailable,
            ErrorKind.Unimplemented => StatusCode.Unimplemented,
            _ => StatusCode.Internal,
        };
}
