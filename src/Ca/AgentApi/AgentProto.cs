using Google.Protobuf;
using MeshCA.Ca.Entries;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>The agent API's messages from and to our own types.</summary>
internal static class AgentProto
{
    public static Entry ToProto(RegistrationEntry entry) =>
        new()
        {
            Id = entry.Id,
            SpiffeId = entry.SpiffeId.ToString(),
            Selectors = { entry.Selectors.Select(selector => selector.ToString()) },
            X509SvidTtlMs = (long)(entry.X509SvidTtl?.TotalMilliseconds ?? 0),
            JwtSvidTtlMs = (long)(entry.JwtSvidTtl?.TotalMilliseconds ?? 0),
            DnsNames = { entry.DnsNames },
            FederatesWith = { entry.FederatesWith.Select(trustDomain => trustDomain.Name) },
            Hint = entry.Hint,
            CreatedAtMs = entry.CreatedAt.ToUnixTimeMilliseconds(),
            Revision = entry.Revision,
        };

    public static Bundle ToProto(TrustBundle bundle) =>
        new()
        {
            TrustDomain = bundle.TrustDomain.Name,
            X509Authorities = { bundle.X509Authorities.Select(der => ByteString.CopyFrom(der.Span)) },
            JwtAuthorities =
            {
                bundle.JwtAuthorities.Select(key => new JwtKey
                {
                    KeyId = key.KeyId,
                    PublicKey = ByteString.CopyFrom(key.SubjectPublicKeyInfo.Span),
                }),
            },
            Sequence = bundle.SequenceNumber ?? 0,
            RefreshHintS = (long)(bundle.RefreshHint?.TotalSeconds ?? 0),
        };

    public static TrustBundle FromProto(Bundle bundle) =>
        new(
            TrustDomain.Parse(bundle.TrustDomain),
            [.. bundle.X509Authorities.Select(der => der.Memory)],
            [.. bundle.JwtAuthorities.Select(key => new JwtAuthority(key.KeyId, key.PublicKey.Memory))],
            bundle.Sequence == 0 ? null : bundle.Sequence,
            bundle.RefreshHintS == 0 ? null : TimeSpan.FromSeconds(bundle.RefreshHintS)
        );
}
