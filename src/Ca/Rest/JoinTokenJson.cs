namespace MeshCA.Ca.Rest;

/// <summary>A new join token, which is shown this once.</summary>
internal sealed record JoinTokenJson(string Token, string ExpiresAt)
{
    public override string ToString() => "...";
}
