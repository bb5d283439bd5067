using Google.Protobuf;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Entries;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>The agent API's messages from and to our own types.</summary>
internal static class AgentProto
{
    public const int MaxVersion = 64;

    /// <summary>What a report may cost the server's memory; Envoys of one node share their secrets' names.</summary>
    private const int MaxSdsRows = 4096;

    private const int MaxName = 2048;
    private const int MaxNackReason = 512;

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

    public static AgentReport FromProto(Report report, DateTimeOffset receivedAt) =>
        new()
        {
            ReceivedAt = receivedAt,
            Revision = report.Revision,
            BundleSequence = report.BundleSequence,
            SvidsHeld = report.SvidsHeld,
            SvidsPending = report.SvidsPending,
            Sds =
            [
                .. report
                    .Sds.Take(MaxSdsRows)
                    .Select(row => new SdsSubscriptionReport(
                        Cut(row.Name, MaxName),
                        row.Streams,
                        row.Acked,
                        row.Nacked,
                        Cut(row.NackReason, MaxNackReason)
                    )),
            ],
        };

    public static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}
