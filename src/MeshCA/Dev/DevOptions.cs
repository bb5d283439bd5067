using MeshCA.Spiffe;

namespace MeshCA.Dev;

/// <summary>The options of <c>meshca dev</c>.</summary>
/// <param name="Dir">Absolute.</param>
/// <param name="TrustDomain">Null = what DIR was made with.</param>
/// <param name="LogLevel">Of both hosts.</param>
internal sealed record DevOptions(string Dir, TrustDomain? TrustDomain, LogLevel LogLevel)
{
    public const string DefaultTrustDomain = "example.org";
}
