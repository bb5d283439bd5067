using MeshCA.Ca;
using MeshCA.Configuration;
using MeshCA.NodeAgent;

namespace MeshCA.Tests.Configuration;

/// <summary>Configuration texts, read as if they were files of <c>/etc/meshca</c>.</summary>
internal static class ConfigText
{
    public static (ServerOptions? Options, ConfigErrors Errors) Server(string yaml) => Read(yaml, ServerConfig.Read);

    public static (AgentOptions? Options, ConfigErrors Errors) Agent(string yaml) => Read(yaml, AgentConfig.Read);

    public static ServerOptions ValidServer(string yaml) => Valid(Server(yaml));

    public static AgentOptions ValidAgent(string yaml) => Valid(Agent(yaml));

    private static T Valid<T>((T? Options, ConfigErrors Errors) read)
        where T : class
    {
        Assert.Empty(read.Errors.Errors);
        return Assert.IsType<T>(read.Options);
    }

    private static (T? Options, ConfigErrors Errors) Read<T>(string yaml, Func<ConfigSection, T?> read)
        where T : class
    {
        var errors = new ConfigErrors("f.yaml");
        var map = ConfigParser.Parse(yaml, errors);
        return (map is null ? null : read(ConfigSection.Root(map, "/etc/meshca", errors)), errors);
    }
}
