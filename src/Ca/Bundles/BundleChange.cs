using MeshCA.Spiffe;

namespace MeshCA.Ca.Bundles;

/// <summary>A committed change of the bundle of one trust domain.</summary>
internal readonly record struct BundleChange(long Revision, TrustDomain TrustDomain);
