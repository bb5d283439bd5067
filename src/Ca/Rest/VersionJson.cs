namespace MeshCA.Ca.Rest;

internal sealed record VersionJson(string Version, string TrustDomain);
