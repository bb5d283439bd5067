using Microsoft.Extensions.Logging;

namespace MeshCA.Sds.Secrets;

/// <summary>Alarms about secrets that were not sent because they are invalid.</summary>
internal sealed partial class InvalidSecretReporter(ILogger<InvalidSecretReporter> logger)
{
    public void Report(string name, string reason)
    {
        SdsMetrics.InvalidSecrets.Add(1);
        LogInvalid(name, reason);
    }

    [LoggerMessage(LogLevel.Error, "Secret {ResourceName} is not sent, the last good one stays: {Reason}")]
    private partial void LogInvalid(string resourceName, string reason);
}
