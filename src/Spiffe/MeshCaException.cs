using System.Collections.Immutable;

namespace MeshCA.Spiffe;

/// <summary>An expected failure. The message is written for the caller: it names the thing and the remedy, no secret.</summary>
public sealed class MeshCaException(ErrorKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorKind Kind { get; } = kind;

    /// <summary>Everything that is wrong with the request, part by part; empty where the message says it all.</summary>
    public ImmutableArray<FieldError> Errors { get; init; } = [];
}
