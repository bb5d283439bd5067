using System.Diagnostics.Metrics;

namespace MeshCA.Sds;

/// <summary>What the secret server counts.</summary>
internal static class SdsMetrics
{
    public const string MeterName = "MeshCA.Sds";

    private static readonly Meter _meter = new(MeterName);

    public static readonly UpDownCounter<int> Streams = _meter.CreateUpDownCounter<int>(
        "meshca_sds_streams",
        description: "Open discovery streams."
    );

    public static readonly Counter<long> Responses = _meter.CreateCounter<long>(
        "meshca_sds_responses",
        description: "Responses sent on streams."
    );

    public static readonly Counter<long> Nacks = _meter.CreateCounter<long>(
        "meshca_sds_nacks",
        description: "Responses that a client refused."
    );

    public static readonly Counter<long> InvalidSecrets = _meter.CreateCounter<long>(
        "meshca_sds_invalid_secrets",
        description: "Secrets that were not sent because they are invalid."
    );
}
