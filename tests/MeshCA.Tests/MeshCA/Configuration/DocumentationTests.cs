using System.Runtime.CompilerServices;
using MeshCA.Configuration;

namespace MeshCA.Tests.Configuration;

/// <summary>docs/configuration.md names every key that exists.</summary>
public sealed class DocumentationTests
{
    [Fact]
    public void ServerKeys_AreAllDocumented() => Check(Keys(static root => ServerConfig.Read(root)), atLeast: 25);

    [Fact]
    public void AgentKeys_AreAllDocumented() => Check(Keys(static root => AgentConfig.Read(root)), atLeast: 20);

    private static SortedSet<string> Keys(Action<ConfigSection> read)
    {
        var known = new SortedSet<string>(StringComparer.Ordinal);
        read(ConfigSection.Root(new(1, []), "/", new("f.yaml"), known));
        return known;
    }

    private static void Check(SortedSet<string> keys, int atLeast, [CallerFilePath] string file = "")
    {
        var text = File.ReadAllText(Path.Combine(Root(file), "docs", "configuration.md"));
        Assert.True(keys.Count >= atLeast, string.Join('\n', keys));
        Assert.All(keys, key => Assert.Contains($"`{key}`", text, StringComparison.Ordinal));
    }

    /// <summary>From where this file was compiled, or, where the compiler hides that, from where it runs.</summary>
    private static string Root(string file)
    {
        for (
            var dir = new FileInfo(File.Exists(file) ? file : typeof(DocumentationTests).Assembly.Location).Directory;
            dir is not null;
            dir = dir.Parent
        )
        {
            if (File.Exists(Path.Combine(dir.FullName, "MeshCA.sln")))
            {
                return dir.FullName;
            }
        }

        throw new InvalidOperationException("MeshCA.sln is in no folder above");
    }
}
