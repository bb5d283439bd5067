using System.Diagnostics.Metrics;

namespace MeshCA.NodeAgent;

/// <summary>What the agent counts.</summary>
internal static class NodeAgentMetrics
{
    public const string MeterName = "MeshCA.NodeAgent";

    private const string ResultLabel = "result";

    private static readonly Meter _meter = new(MeterName);

    private static readonly Counter<long> _attestations = _meter.CreateCounter<long>(
        "meshca_agent_workload_attestations",
        description: "Processes attested, not counting what was remembered for a connection; by result."
    );

    private static readonly Counter<long> _issuances = _meter.CreateCounter<long>(
        "meshca_agent_svid_issuances",
        description: "X509-SVIDs asked of the server, by result."
    );

    public static readonly UpDownCounter<int> SvidsHeld = _meter.CreateUpDownCounter<int>(
        "meshca_agent_svids_held",
        description: "X509-SVIDs of workloads that are held."
    );

    public static readonly UpDownCounter<int> ServerConnections = _meter.CreateUpDownCounter<int>(
        "meshca_agent_server_connections",
        description: "1 while the stream to the server is up."
    );

    public static readonly UpDownCounter<int> Streams = _meter.CreateUpDownCounter<int>(
        "meshca_agent_workload_api_streams",
        description: "Open Workload API streams."
    );

    public static readonly Counter<long> SentBytes = _meter.CreateCounter<long>(
        "meshca_agent_workload_api_sent_bytes",
        description: "Bytes of X.509 messages sent on Workload API streams."
    );

    public static void CountAttestation(bool succeeded) => _attestations.Add(1, Result(succeeded));

    public static void CountIssuance(bool succeeded) => _issuances.Add(1, Result(succeeded));

    private static KeyValuePair<string, object?> Result(bool succeeded) =>
        new(ResultLabel, succeeded ? "ok" : "failed");
}
