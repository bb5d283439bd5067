using System.Collections.Immutable;

namespace MeshCA.Ca.Rest;

/// <summary>The routes of one kind of resource.</summary>
internal interface IEndpoints
{
    ImmutableArray<Route> Routes { get; }
}
