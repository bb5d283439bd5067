namespace MeshCA.Commands.Admin;

/// <summary>Ends an admin command with a text on stderr.</summary>
internal sealed class AdminException(string message, int exitCode = AdminException.Refused, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>The request was refused, or the thing is unhealthy.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    public int ExitCode { get; } = exitCode;
}
