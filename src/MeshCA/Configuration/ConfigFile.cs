using MeshCA.Ca;
using MeshCA.NodeAgent;

namespace MeshCA.Configuration;

/// <summary>Reads a configuration file whole, or says everything that is wrong with it.</summary>
internal static class ConfigFile
{
    private static readonly string[] _agentKeys =
    [
        "server",
        "trustBundle",
        "attestation",
        "socket",
        "workloadAttestation",
        "sds",
    ];

    private static readonly string[] _serverKeys =
    [
        "listen",
        "admin",
        "store",
        "signers",
        "authority",
        "svid",
        "nodeAttestation",
        "entries",
        "agents",
    ];

    public static ServerOptions? LoadServer(string path, ConfigErrors errors) =>
        Load(path, errors) is { } root ? ServerConfig.Read(root) : null;

    public static AgentOptions? LoadAgent(string path, ConfigErrors errors) =>
        Load(path, errors) is { } root ? AgentConfig.Read(root) : null;

    /// <summary>Server or agent, told apart by the keys that only one of them has.</summary>
    /// <returns><c>server</c>, <c>agent</c>, or null when it cannot even be read.</returns>
    public static string? Check(string path, ConfigErrors errors)
    {
        if (Load(path, errors) is not { } root)
        {
            return null;
        }

        var difference = _agentKeys.Count(root.Has) - _serverKeys.Count(root.Has);
        var isAgent =
            difference > 0
            || (difference == 0 && Path.GetFileName(path).Contains("agent", StringComparison.OrdinalIgnoreCase));
        if (isAgent)
        {
            AgentConfig.Read(root);
            return "agent";
        }

        ServerConfig.Read(root);
        return "server";
    }

    private static ConfigSection? Load(string path, ConfigErrors errors)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return ConfigParser.ParseFile(path, errors) is { } map ? ConfigSection.Root(map, folder, errors) : null;
    }
}
