using System.Security.Cryptography;
using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>The configured join token as it is now: an operator may put a new one into the file at any time. Prints nothing.</summary>
internal sealed record JoinToken(string Value)
{
    private const int MaxLength = 4_096;

    /// <summary>What may be stored of it.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Value)));

    /// <summary>From the configuration or its file.</summary>
    /// <exception cref="MeshCaException">There is none.</exception>
    public static JoinToken Read(JoinTokenOptions options)
    {
        if (options.Token is { Length: > 0 } token)
        {
            return new(token);
        }

        try
        {
            var file = new FileInfo(options.TokenFile ?? "");
            var text = file.Length <= MaxLength ? File.ReadAllText(file.FullName).Trim() : "";
            return text.Length > 0 ? new(text) : throw Missing(options.TokenFile, "it is empty or too long");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Missing(options.TokenFile, e.Message.TrimEnd('.'));
        }
    }

    public override string ToString() => "...";

    private static MeshCaException Missing(string? file, string why) =>
        new(
            ErrorKind.FailedPrecondition,
            $"join token file {file} cannot be used: {why}; write a token from 'meshca token create' into it"
        );
}
