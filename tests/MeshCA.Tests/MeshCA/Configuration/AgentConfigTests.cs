namespace MeshCA.Tests.Configuration;

public sealed class AgentConfigTests
{
    private const string Least =
        "trustDomain: example.org\nserver: ca.example.org:8081\ntrustBundle: {file: bundle.pem}\nattestation: {joinToken: {tokenFile: token}}\n";

    [Fact]
    public void Read_RequiredAlone_HasEveryDefault()
    {
        var options = ConfigText.ValidAgent(Least);

        Assert.Equal("example.org", options.TrustDomain.Name);
        Assert.Equal("/var/lib/meshca-agent", options.DataDir);
        Assert.Equal(("ca.example.org", 8081), (options.Server.Host, options.Server.Port));
        Assert.Equal("/etc/meshca/bundle.pem", options.TrustBundle.File);
        Assert.Equal("/etc/meshca/token", options.JoinToken.TokenFile);
        Assert.Equal("/run/meshca/agent.sock", options.SocketPath);
        Assert.Equal("127.0.0.1:9465", options.Management!.ToString());
        Assert.Equal(
            ("default", "ROOTCA", "ALL", false),
            (
                options.Sds.SvidName,
                options.Sds.BundleName,
                options.Sds.AllBundlesName,
                options.Sds.DisableSpiffeCertValidation
            )
        );
    }

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        var options = ConfigText.ValidAgent(
            """
            trustDomain: example.org
            dataDir: data
            server: ["10.0.0.1:1"]
            trustBundle: {url: "https://ca.example.org/bundle"}
            attestation: {joinToken: {token: abc}}
            socket: run/a.sock
            management: 0.0.0.0:1
            workloadAttestation: {unix: {}}
            sds: {svidName: me, bundleName: roots, allBundlesName: all, disableSpiffeCertValidation: true}
            limits: {}
            """
        );

        Assert.Equal("/etc/meshca/data", options.DataDir);
        Assert.Equal(("10.0.0.1", 1), (options.Server.Host, options.Server.Port));
        Assert.Equal("https://ca.example.org/bundle", options.TrustBundle.Url!.ToString());
        Assert.Equal("abc", options.JoinToken.Token);
        Assert.Equal("/etc/meshca/run/a.sock", options.SocketPath);
        Assert.Equal("0.0.0.0:1", options.Management!.ToString());
        Assert.Equal(
            ("me", "roots", "all", true),
            (
                options.Sds.SvidName,
                options.Sds.BundleName,
                options.Sds.AllBundlesName,
                options.Sds.DisableSpiffeCertValidation
            )
        );
    }

    [Fact]
    public void Read_Empty_NamesAllThatIsRequired()
    {
        var (options, errors) = ConfigText.Agent("");

        Assert.Null(options);
        Assert.All(
            ["trustDomain", "server", "trustBundle", "attestation"],
            key =>
                Assert.Contains(
                    errors.Errors,
                    e => e.Contains($" {key} (line 1): it is required", StringComparison.Ordinal)
                )
        );
    }

    [Theory]
    [InlineData("server: nowhere", "server (line 1): it is not of the form HOST:PORT")]
    [InlineData("server: a:0", "server (line 1): it is not of the form HOST:PORT")]
    [InlineData("server: 127.1:80", "server (line 1): it is not of the form HOST:PORT")]
    [InlineData("server: [\"a:1\", \"b:1\"]", "server (line 1): more than one is not available in this version")]
    [InlineData("server: []", "server (line 1): it is not a list of texts")]
    [InlineData("trustBundle: {}", "trustBundle (line 1): it is empty; write one of: file, url, insecureBootstrap")]
    [InlineData("trustBundle: {url: \"http://a/\"}", "trustBundle.url (line 1): it is not an https address")]
    [InlineData(
        "trustBundle: {file: a, url: \"https://a/\"}",
        "trustBundle (line 1): it holds 2 kinds of trust bundle"
    )]
    [InlineData(
        "trustBundle: {insecureBootstrap: false}",
        "trustBundle.insecureBootstrap (line 1): it takes only true"
    )]
    [InlineData("trustBundle: bundle.pem", "trustBundle (line 1): it is not a map")]
    [InlineData(
        "attestation: {x509pop: {certFile: c}}",
        "attestation.x509pop (line 1): x509pop is not available in this version"
    )]
    [InlineData("attestation: {k8sPsat: {}}", "attestation.k8sPsat (line 1): k8sPsat is not available in this version")]
    [InlineData(
        "attestation: {joinToken: {}}",
        "attestation.joinToken (line 1): it is empty; write one of: token, tokenFile"
    )]
    [InlineData("attestation: {joinToken: {token: a, tokenFile: b}}", "exactly one is wanted")]
    [InlineData(
        "attestation: {joinToken: {tokenfile: b}}",
        "attestation.joinToken.tokenfile (line 1): unknown key; did you mean tokenFile"
    )]
    [InlineData("attestation: {joinToken: {token: 12345}}", "12345 is a number, not text")]
    [InlineData("workloadAttestation: {k8s: {}}", "workloadAttestation.k8s (line 1): not available in this version")]
    [InlineData("workloadAttestation: {}", "workloadAttestation.unix (line 1): no way to attest a workload is left")]
    [InlineData("sds: {svidName: ROOTCA}", "sds.bundleName (line 1): it is the same as svidName")]
    [InlineData("sds: {svidName: \"spiffe://a/b\"}", "sds.svidName (line 1): a name that starts with spiffe://")]
    [InlineData("sds: {bundleName: \"meshca:inbound\"}", "sds.bundleName (line 1): a name that starts with")]
    [InlineData("sds: {svidName: ''}", "sds.svidName (line 1): it is empty")]
    [InlineData("management: 9465", "management (line 1): '9465' is not an address to listen on; write ADDRESS:PORT")]
    [InlineData("limits: {streams: 1}", "limits.streams (line 1): not available in this version")]
    [InlineData(
        "socket: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "socket (line 1): it is longer than the 107 bytes"
    )]
    public void Read_Wrong_IsNamedWithItsPlaceAndTheRemedy(string yaml, string expected)
    {
        var (options, errors) = ConfigText.Agent(yaml);

        Assert.Null(options);
        Assert.Contains(errors.Errors, e => e.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_InsecureBootstrap_IsWarnedAbout()
    {
        var (options, errors) = ConfigText.Agent(
            Least.Replace("{file: bundle.pem}", "{insecureBootstrap: true}", StringComparison.Ordinal)
        );

        Assert.True(options!.TrustBundle.InsecureBootstrap);
        Assert.Contains("first server that answers", Assert.Single(errors.Warnings), StringComparison.Ordinal);
    }
}
