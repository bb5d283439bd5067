namespace MeshCA.Sds.Resources;

/// <summary>A discovery response as it goes over the wire, five-byte gRPC prefix included; shared by all streams.</summary>
/// <param name="Frame">The whole gRPC message.</param>
/// <param name="Version">Its version_info or system_version_info.</param>
/// <param name="Nonce">Another one for each encoded response.</param>
/// <param name="Carried">The resources in it.</param>
internal sealed record Response(ReadOnlyMemory<byte> Frame, string Version, string Nonce, Resource[] Carried);
