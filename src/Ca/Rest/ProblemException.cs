using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>A refusal that belongs to HTTP; what the CA itself refuses is a <see cref="MeshCaException"/>.</summary>
internal sealed class ProblemException(ProblemKind kind, string detail) : Exception(detail)
{
    public ProblemKind Kind { get; } = kind;

    public ImmutableArray<FieldError> Errors { get; init; } = [];

    /// <summary>The methods that the resource has, for the Allow header of a 405.</summary>
    public string? Allow { get; init; }
}
