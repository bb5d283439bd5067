namespace MeshCA.Tests.Commands;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", "a command is missing; one of: dev, server")]
    [InlineData("serve", "'serve' is not a command here; did you mean server")]
    [InlineData("config validat --config x", "'validat' is not a command here; did you mean validate")]
    [InlineData("config validate", "--config")]
    [InlineData("server run --config x --colour", "--colour")]
    [InlineData("svid x509 -o xml", "xml")]
    [InlineData("svid x509 --socket relative:a", "--socket: 'relative:a' is not a Workload API address")]
    [InlineData("svid x509 --socket /a --timeout soon", "--timeout: 'soon' is not a duration")]
    [InlineData("svid x509 --socket /a --timeout 0s", "--timeout: it must be more than zero")]
    [InlineData("dev --trust-domain UPPER", "--trust-domain: 'UPPER' is not a trust domain")]
    [InlineData("envoy bootstrap --id a --cluster b", "nothing to do: name --listen and --upstream-app")]
    [InlineData("envoy bootstrap --id a --cluster b --listen 127.0.0.1:1", "--listen also needs --upstream-app")]
    [InlineData("envoy bootstrap --id a --cluster b --peer a:1", "--peer also needs --egress-listen and --peer-id")]
    [InlineData(
        "envoy bootstrap --id a --cluster b --egress-listen 127.0.0.1:1 --peer a:1 --peer-id nobody",
        "'nobody' is not a SPIFFE ID"
    )]
    [InlineData(
        "envoy bootstrap --id a --cluster b --egress-listen 127.0.0.1:1 --peer a:1 --peer-id spiffe://example.org",
        "spiffe://example.org is a trust domain, not a workload"
    )]
    [InlineData(
        "envoy bootstrap --id a --cluster b --listen x --upstream-app 127.0.0.1:1",
        "--listen: it is not of the form"
    )]
    [InlineData("envoy bootstrap --id a --cluster b --listen 127.0.0.1:1 --upstream-app 127.0.0.1:2 --api ads", "ads")]
    [InlineData(
        "envoy bootstrap --id a --cluster b --listen 127.0.0.1:1 --upstream-app 127.0.0.1:2 --admin-port 70000",
        "--admin-port: 70000 is not from 0 to 65535"
    )]
    [InlineData("envoy bootstrap --cluster b --listen 127.0.0.1:1 --upstream-app 127.0.0.1:2", "--id")]
    public async Task Run_WrongUsage_IsExit2WithTheReason(string line, string expected)
    {
        var (code, stdout, stderr) = await Cli.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(2, code);
        Assert.Empty(stdout);
        Assert.Contains(expected, stderr, StringComparison.Ordinal);
        Assert.Contains("--help'", stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("server run")]
    [InlineData("agent run")]
    [InlineData("config validate")]
    [InlineData("svid x509")]
    [InlineData("svid watch")]
    [InlineData("envoy bootstrap")]
    public async Task Help_OfEachCommand_HasAnExample(string command)
    {
        var (code, stdout, stderr) = await Cli.RunAsync([.. command.Split(' '), "--help"]);

        Assert.Equal(0, code);
        Assert.Empty(stderr);
        Assert.Contains($"meshca {command}", stdout, StringComparison.Ordinal);
        Assert.Contains("Example", stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Svid_NobodyThere_IsExit1WithTheRemedy()
    {
        var (code, stdout, stderr) = await Cli.RunAsync("svid", "x509", "--socket", "/nowhere/agent.sock");

        Assert.Equal(1, code);
        Assert.Empty(stdout);
        Assert.StartsWith("error: /nowhere/agent.sock: no agent answers there", stderr, StringComparison.Ordinal);
    }
}
