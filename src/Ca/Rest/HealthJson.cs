using System.Collections.Immutable;

namespace MeshCA.Ca.Rest;

/// <summary>Whether the server can do its work: <c>ok</c>, <c>degraded</c> (it can, with something wrong) or <c>unhealthy</c>.</summary>
internal sealed record HealthJson(string Status, ImmutableArray<ComponentJson> Components)
{
    public static HealthJson Of(CaReadiness readiness)
    {
        var components = readiness.Components.ToImmutableArray();
        var status =
            !readiness.IsReady ? "unhealthy"
            : components.Any(static c => c.State != ComponentState.Ok) ? "degraded"
            : "ok";
        return new(status, [.. components.Select(ComponentJson.Of)]);
    }
}

/// <summary>One part: <c>ok</c>, <c>degraded</c>, <c>starting</c> or <c>down</c>, and why in words for an operator.</summary>
internal sealed record ComponentJson(string Name, string Status, string? Detail)
{
    public static ComponentJson Of(ComponentStatus component) =>
        new(
            component.Name,
            component.State switch
            {
                ComponentState.Ok => "ok",
                ComponentState.Degraded => "degraded",
                ComponentState.Starting => "starting",
                _ => "down",
            },
            component.Problem
        );
}
