using System.Diagnostics.Metrics;

namespace MeshCA.Ca.Issuance;

/// <summary>Counts what was issued and what was not.</summary>
public static class IssuanceMetrics
{
    public const string MeterName = "MeshCA.Ca.Issuance";

    private static readonly Meter _meter = new(MeterName);

    private static readonly Counter<long> _certificates = _meter.CreateCounter<long>(
        "meshca_issuance_certificates",
        description: "Certificates asked for, by result: issued, or the kind of refusal."
    );

    internal static void Count(IssuanceBatch batch)
    {
        var issued = 0;
        foreach (ref readonly var outcome in batch.Outcomes.AsSpan())
        {
            if (outcome.Error is { } error)
            {
                _certificates.Add(1, new KeyValuePair<string, object?>("result", error.Kind.ToString()));
            }
            else
            {
                issued++;
            }
        }

        if (issued > 0)
        {
            _certificates.Add(issued, new KeyValuePair<string, object?>("result", "Issued"));
        }
    }
}
