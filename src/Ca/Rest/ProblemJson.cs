using System.Collections.Immutable;

namespace MeshCA.Ca.Rest;

/// <summary>RFC 9457, with our members after its own. Blockers are what stands in the way of a change of state.</summary>
internal sealed record ProblemJson(
    string Type,
    string Title,
    int Status,
    string Detail,
    string Instance,
    string Code,
    string RequestId,
    ImmutableArray<FieldErrorJson> Errors,
    ImmutableArray<BlockerJson> Blockers
);

/// <summary>One agent, Envoy or setting that stands in the way.</summary>
internal sealed record BlockerJson(string Kind, string Id, string Reason);

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Pointer">A JSON pointer (RFC 6901) into the body; <c>?name</c> for a query parameter, <c>Name:</c> for a header.</param>
/// <param name="Reason">What is wrong, for the caller.</param>
internal sealed record FieldErrorJson(string Pointer, string Reason);
