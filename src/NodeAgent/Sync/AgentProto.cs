using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Sync;

/// <summary>agent.proto's messages as our types; what the server sends is checked here, once.</summary>
internal static class AgentProto
{
    /// <summary>A bundle, with the sequence under which the server published it.</summary>
    /// <exception cref="FormatException">A member is malformed.</exception>
    public static TrustBundle ToBundle(Bundle proto) =>
        new(
            TrustDomain.Parse(proto.TrustDomain),
            [.. proto.X509Authorities.Select(a => a.Memory)],
            [.. proto.JwtAuthorities.Select(a => new JwtAuthority(a.KeyId, a.PublicKey.Memory))],
            proto.Sequence,
            proto.RefreshHintS > 0 ? TimeSpan.FromSeconds(proto.RefreshHintS) : null
        );

    /// <summary>An entry, its selectors sorted.</summary>
    /// <exception cref="FormatException">A member is malformed.</exception>
    public static AgentEntry ToEntry(Entry proto) =>
        proto.Selectors.Count == 0
            ? throw new FormatException("it has no selector")
            : new()
            {
                Id = proto.Id,
                SpiffeId = SpiffeId.Parse(proto.SpiffeId),
                Selectors = [.. proto.Selectors.Select(s => Selector.Parse(s)).Order()],
                FederatesWith = [.. proto.FederatesWith.Select(t => TrustDomain.Parse(t))],
                Hint = proto.Hint,
                CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(proto.CreatedAtMs),
                Revision = proto.Revision,
            };
}
