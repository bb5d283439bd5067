namespace MeshCA.Tests.Commands;

public sealed class ConfigCommandsTests : IDisposable
{
    private readonly DirectoryInfo _dir = Directory.CreateTempSubdirectory("meshca-");

    [Theory]
    [InlineData("a.yaml", "trustDomain: example.org", "server")]
    [InlineData(
        "b.yaml",
        "trustDomain: example.org\nserver: a:1\ntrustBundle: {insecureBootstrap: true}\nattestation: {joinToken: {token: x}}",
        "agent"
    )]
    public async Task Validate_Valid_SaysWhichItIs(string name, string yaml, string kind)
    {
        var (code, stdout, _) = await Cli.RunAsync("config", "validate", "--config", Write(name, yaml));

        Assert.Equal(0, code);
        Assert.EndsWith($"{name}: a valid {kind} configuration\n", stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_WrongAgentFile_IsReadAsAnAgents()
    {
        var path = Write("agent.yaml", "trustDomain: example.org");

        var (code, stdout, stderr) = await Cli.RunAsync("config", "validate", "--config", path);

        Assert.Equal(1, code);
        Assert.Empty(stdout);
        Assert.Contains($"error: {path}: attestation (line 1): it is required", stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server")]
    [InlineData("agent")]
    public async Task Run_WrongFile_IsExit1WithEveryError(string kind)
    {
        var path = Write("f.yaml", "trustDomian: x\nmanagement: y\n");

        var (code, _, stderr) = await Cli.RunAsync(kind, "run", "--config", path);

        Assert.Equal(1, code);
        Assert.All(
            ["trustDomian", "management"],
            key => Assert.Contains($"error: {path}: {key} (line", stderr, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Validate_NoFile_IsExit1()
    {
        var (code, _, stderr) = await Cli.RunAsync("config", "validate", "--config", "/nowhere.yaml");

        Assert.Equal(1, code);
        Assert.Contains("/nowhere.yaml: there is no such file", stderr, StringComparison.Ordinal);
    }

    public void Dispose() => _dir.Delete(recursive: true);

    private string Write(string name, string content)
    {
        var path = Path.Combine(_dir.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}
