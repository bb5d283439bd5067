namespace MeshCA.Spiffe;

/// <summary>What sort of failure a <see cref="MeshCaException"/> is; mapped to gRPC status and HTTP problem once each.</summary>
public enum ErrorKind
{
    /// <summary>The request or file is wrong in itself: trying again does not help. gRPC InvalidArgument, HTTP 400.</summary>
    Malformed,

    /// <summary>The caller is not known. gRPC Unauthenticated, HTTP 401.</summary>
    Unauthenticated,

    /// <summary>The caller is known and may not. gRPC PermissionDenied, HTTP 403.</summary>
    PermissionDenied,

    /// <summary>gRPC NotFound, HTTP 404.</summary>
    NotFound,

    /// <summary>Another one like it is there. gRPC AlreadyExists, HTTP 409.</summary>
    AlreadyExists,

    /// <summary>The state of the system does not allow it now. gRPC FailedPrecondition, HTTP 409.</summary>
    FailedPrecondition,

    /// <summary>The caller read it before someone else changed it. gRPC Aborted, HTTP 412.</summary>
    Stale,

    /// <summary>A limit is reached. gRPC ResourceExhausted, HTTP 429.</summary>
    ResourceExhausted,

    /// <summary>Something that is needed cannot be reached: trying again may help. gRPC Unavailable, HTTP 503.</summary>
    Unavailable,

    /// <summary>gRPC Unimplemented, HTTP 501.</summary>
    Unimplemented,

    /// <summary>A defect of ours: the caller gets a fixed text, the log has the rest. gRPC Internal, HTTP 500.</summary>
    Internal,
}
