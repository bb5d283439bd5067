using System.Collections.Immutable;

namespace MeshCA.Hosting;

/// <summary>What <c>/readyz</c> and <c>/v1/health</c> say.</summary>
/// <param name="IsReady">False: the instance cannot do its work.</param>
/// <param name="Components">Each part and how it is.</param>
internal sealed record ReadinessReport(bool IsReady, ImmutableArray<ReadinessComponent> Components)
{
    public const string Ok = "ok";

    /// <summary><c>ok</c>; <c>degraded</c>: it works, with something wrong; <c>unhealthy</c>: it does not.</summary>
    public string Status =>
        !IsReady ? "unhealthy"
        : Components.Any(static c => c.Status != Ok) ? "degraded"
        : Ok;
}

/// <summary>One part.</summary>
/// <param name="Name">Such as <c>store</c>.</param>
/// <param name="Status"><c>ok</c>, <c>degraded</c>, <c>starting</c> or <c>down</c>.</param>
/// <param name="Detail">Why, in words for an operator; null if ok.</param>
internal sealed record ReadinessComponent(string Name, string Status, string? Detail);
