namespace MeshCA.Ca.Agents;

/// <summary>A token that lets one node attest once. Shown to its maker and stored nowhere.</summary>
public sealed record JoinToken(string Token, DateTimeOffset ExpiresAt)
{
    public override string ToString() => "...";
}
