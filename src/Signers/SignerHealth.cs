namespace MeshCA.Signers;

/// <summary>Whether a signer can be reached, and if not, why, in words for an operator.</summary>
public sealed record SignerHealth(bool Healthy, string? Problem)
{
    public static readonly SignerHealth Ok = new(Healthy: true, Problem: null);
}
