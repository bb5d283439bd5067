using System.Collections.Immutable;

namespace MeshCA.Ca;

/// <summary>Part of a list. <paramref name="Next"/> asks for the part that follows; null = that was all.</summary>
public sealed record Page<T>(ImmutableArray<T> Items, string? Next);
