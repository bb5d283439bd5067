namespace MeshCA.Sds.Resources;

/// <summary>What there is of the names that a view asks for.</summary>
/// <param name="Resources">Those with content; no name twice.</param>
/// <param name="Held">Names that are to have content but have none now, such as an identity whose SVID is awaited.</param>
internal readonly record struct Selection(Resource[] Resources, string[] Held);
