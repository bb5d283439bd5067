namespace MeshCA.Commands.Admin;

/// <summary>Where the admin API is: a Unix socket or an HTTPS address.</summary>
internal sealed record AdminAddress
{
    public const string Variable = "MESHCA_ADMIN";

    private const string UnixScheme = "unix:";

    /// <summary>The server's own place first: who may write to a working directory must not catch an admin's commands.</summary>
    private static readonly string[] _usualSockets =
    [
        "/var/lib/meshca/admin.sock",
        Path.Combine(Environment.CurrentDirectory, ".meshca", "admin.sock"),
    ];

    /// <summary>Null when <see cref="Https"/> is set.</summary>
    public string? SocketPath { get; private init; }

    public Uri? Https { get; private init; }

    /// <summary>From <c>--admin</c>, else the environment, else a socket in one of the usual places.</summary>
    public static AdminAddress Find(string? option) =>
        Find(option, Environment.GetEnvironmentVariable(Variable), _usualSockets);

    internal static AdminAddress Find(string? option, string? variable, IReadOnlyList<string> usualSockets)
    {
        if (!string.IsNullOrEmpty(option))
        {
            return Parse(option, "--admin");
        }

        if (!string.IsNullOrEmpty(variable))
        {
            return Parse(variable, Variable);
        }

        return usualSockets.FirstOrDefault(File.Exists) is { } path
            ? new AdminAddress { SocketPath = path }
            : throw new AdminException(
                $"no server: name its admin socket with --admin unix:PATH (or https://HOST:PORT) or in {Variable}; "
                    + $"there is none at {string.Join(" or ", usualSockets)}",
                ExitCodes.Usage
            );
    }

    public override string ToString() => SocketPath is null ? Https!.ToString().TrimEnd('/') : UnixScheme + SocketPath;

    private static AdminAddress Parse(string text, string source)
    {
        if (text.StartsWith(UnixScheme, StringComparison.Ordinal) && text.Length > UnixScheme.Length)
        {
            // unix:///path is how gRPC and curl users write it.
            var path = text[UnixScheme.Length..];
            return new()
            {
                SocketPath = Path.GetFullPath(path.StartsWith("///", StringComparison.Ordinal) ? path[2..] : path),
            };
        }

        return
            Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri is { Scheme: "https", PathAndQuery: "/", Fragment: "", UserInfo: "" }
            ? new() { Https = uri }
            : throw new AdminException(
                $"{source}: '{text}' is neither unix:PATH nor https://HOST:PORT",
                ExitCodes.Usage
            );
    }
}
