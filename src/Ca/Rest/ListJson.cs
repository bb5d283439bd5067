using System.Collections.Immutable;

namespace MeshCA.Ca.Rest;

/// <summary>One page of a list.</summary>
/// <param name="Items">In the list's order.</param>
/// <param name="NextPageToken">For the page that follows; empty = that was all.</param>
internal sealed record ListJson<T>(ImmutableArray<T> Items, string NextPageToken);
