using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>A bundle in the list of bundles; its content is at its own path.</summary>
/// <param name="TrustDomain">The bare name.</param>
/// <param name="Federated">False for our own.</param>
/// <param name="SequenceNumber">Null where the publisher gives none.</param>
/// <param name="RefreshHint">Null where the publisher gives none.</param>
/// <param name="X509Authorities">How many.</param>
/// <param name="JwtAuthorities">How many.</param>
internal sealed record BundleJson(
    string TrustDomain,
    bool Federated,
    ulong? SequenceNumber,
    string? RefreshHint,
    int X509Authorities,
    int JwtAuthorities
)
{
    public static BundleJson Of(TrustBundle bundle, bool federated) =>
        new(
            bundle.TrustDomain.Name,
            federated,
            bundle.SequenceNumber,
            bundle.RefreshHint is { } hint ? GoDuration.Format(hint) : null,
            bundle.X509Authorities.Length,
            bundle.JwtAuthorities.Length
        );
}
