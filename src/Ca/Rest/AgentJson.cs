using System.Collections.Immutable;
using MeshCA.Ca.Agents;

namespace MeshCA.Ca.Rest;

/// <summary>An attested agent. The report is its newest; null if it has sent none since the server started.</summary>
internal sealed record AgentJson(
    string Id,
    string SpiffeId,
    string Attestation,
    string Version,
    bool Banned,
    bool Connected,
    string AttestedAt,
    string LastSeen,
    string? Serial,
    string? SvidNotAfter,
    AgentReportJson? Report
)
{
    public static AgentJson Of(AgentStatus agent)
    {
        var record = agent.Record;
        var hasSvid = record.SerialNumber.Length > 0;
        return new(
            record.Id,
            record.SpiffeId.ToString(),
            record.Kind,
            record.Version,
            record.Banned,
            agent.Connected,
            Rfc3339.Format(record.AttestedAt),
            Rfc3339.Format(record.LastSeen),
            hasSvid ? record.SerialNumber : null,
            hasSvid ? Rfc3339.Format(record.SvidNotAfter) : null,
            agent.Report is { } report ? AgentReportJson.Of(report) : null
        );
    }
}

/// <summary>What an agent says of itself and its Envoys.</summary>
internal sealed record AgentReportJson(
    string ReceivedAt,
    long Revision,
    ulong BundleSequence,
    int SvidsHeld,
    int SvidsPending,
    ImmutableArray<SdsSubscriptionReport> Sds
)
{
    public static AgentReportJson Of(AgentReport report) =>
        new(
            Rfc3339.Format(report.ReceivedAt),
            report.Revision,
            report.BundleSequence,
            report.SvidsHeld,
            report.SvidsPending,
            report.Sds
        );
}
