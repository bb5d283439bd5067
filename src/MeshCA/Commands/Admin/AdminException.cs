namespace MeshCA.Commands.Admin;

/// <summary>Ends an admin command with a text on stderr.</summary>
internal sealed class AdminException(string message, int exitCode = ExitCodes.Refused, Exception? inner = null)
    : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;
}
