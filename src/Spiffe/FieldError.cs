namespace MeshCA.Spiffe;

/// <summary>What is wrong with one part of a request.</summary>
/// <param name="JsonPointer">RFC 6901, into the request, such as <c>/selectors/0</c>.</param>
/// <param name="Reason">For the caller: names the remedy, carries no secret.</param>
public sealed record FieldError(string JsonPointer, string Reason);
