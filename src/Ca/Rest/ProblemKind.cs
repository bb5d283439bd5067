using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>The problems that the admin API answers with: HTTP status, stable code and title.</summary>
internal sealed record ProblemKind(int Status, string Code, string Title)
{
    public static readonly ProblemKind Malformed = new(400, "malformed", "The request is malformed");
    public static readonly ProblemKind Unauthenticated = new(401, "unauthenticated", "The caller is not known");
    public static readonly ProblemKind PermissionDenied = new(403, "permission_denied", "The caller may not do this");
    public static readonly ProblemKind NotFound = new(404, "not_found", "There is no such thing");
    public static readonly ProblemKind MethodNotAllowed = new(405, "method_not_allowed", "The method does not apply");
    public static readonly ProblemKind NotAcceptable = new(406, "not_acceptable", "No form of it is acceptable");
    public static readonly ProblemKind Timeout = new(408, "timeout", "The request came too slowly");
    public static readonly ProblemKind AlreadyExists = new(409, "already_exists", "Another one like it is there");
    public static readonly ProblemKind FailedPrecondition = new(409, "failed_precondition", "It cannot be done now");
    public static readonly ProblemKind PreconditionFailed = new(412, "precondition_failed", "It has changed meanwhile");
    public static readonly ProblemKind TooLarge = new(413, "too_large", "The body is too large");
    public static readonly ProblemKind UnsupportedMediaType = new(415, "unsupported_media_type", "Wrong content type");
    public static readonly ProblemKind KeyReused = new(422, "idempotency_key_reused", "Another body had this key");
    public static readonly ProblemKind ResourceExhausted = new(429, "resource_exhausted", "A limit is reached");
    public static readonly ProblemKind Internal = new(500, "internal", "The server has a defect");
    public static readonly ProblemKind Unimplemented = new(501, "unimplemented", "This is not implemented");
    public static readonly ProblemKind Unavailable = new(503, "unavailable", "Something that is needed is away");

    /// <summary>A URN, since it has to name the problem for years and nothing has to be served at it.</summary>
    public string Type { get; } = "urn:meshca:problem:" + Code;

    public static ProblemKind Of(ErrorKind kind) =>
        kind switch
        {
            ErrorKind.Malformed => Malformed,
            ErrorKind.Unauthenticated => Unauthenticated,
            ErrorKind.PermissionDenied => PermissionDenied,
            ErrorKind.NotFound => NotFound,
            ErrorKind.AlreadyExists => AlreadyExists,
            ErrorKind.FailedPrecondition => FailedPrecondition,
            ErrorKind.Stale => PreconditionFailed,
            ErrorKind.ResourceExhausted => ResourceExhausted,
            ErrorKind.Unavailable => Unavailable,
            ErrorKind.Unimplemented => Unimplemented,
            _ => Internal,
        };

    /// <summary>For what Kestrel refuses while the body is read.</summary>
    public static ProblemKind OfStatus(int status) =>
        status switch
        {
            408 => Timeout,
            413 => TooLarge,
            _ => Malformed,
        };
}
