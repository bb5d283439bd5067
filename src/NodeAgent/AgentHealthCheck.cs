using MeshCA.NodeAgent.Svids;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MeshCA.NodeAgent;

/// <summary>What gRPC health answers on the agent socket: serving once in sync, from then on even while the server is away.</summary>
internal sealed class AgentHealthCheck(IdentityCache cache) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            cache.IsInSync
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("not in sync with the server yet")
        );
}
