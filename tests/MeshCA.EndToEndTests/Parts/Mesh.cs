using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>A server and an agent as processes of their own, each of which can be killed and started again.</summary>
internal sealed class Mesh : IAsyncDisposable
{
    private static readonly TimeSpan _startTimeout = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _dir = new();
    private readonly int _port = Meshca.FreePort();

    private Mesh() { }

    public Program? Server { get; private set; }

    public Program? Agent { get; private set; }

    public string Socket => _dir["agent.sock"];

    public string Admin => "unix:" + _dir["server/admin.sock"];

    public TestDirectory Dir => _dir;

    public string ServerConfig => _dir["server.yaml"];

    public string AgentConfig => _dir["agent.yaml"];

    public static async Task<Mesh> StartAsync(CancellationToken ct, string serverYaml = "")
    {
        var mesh = new Mesh();
        try
        {
            mesh._dir.Write(
                "server.yaml",
                $"trustDomain: example.org\ndataDir: {mesh._dir["server"]}\nlisten: 127.0.0.1:{mesh._port}\nmanagement: \"\"\n{serverYaml}"
            );
            await mesh.StartServerAsync(ct);
            await mesh.EnrolAsync(ct);
            await mesh.StartAgentAsync(ct);
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    public async Task StartServerAsync(CancellationToken ct)
    {
        Server = Program.Start(Meshca.Binary, ["server", "run", "--config", ServerConfig]);
        await AnswersAsync(["bundle", "show", "--admin", Admin], Server, ct);
    }

    public async Task StartAgentAsync(CancellationToken ct)
    {
        Agent = Program.Start(Meshca.Binary, ["agent", "run", "--config", AgentConfig]);
        // A killed agent leaves its socket's file behind: only an answer says that the new one is there.
        await Eventually.TrueAsync(
            () => Answers() || Agent.HasExited,
            _startTimeout,
            () => "the agent has no socket\n" + Agent.Tail(),
            ct
        );
        Assert.False(Agent.HasExited, Agent.Tail());
    }

    /// <summary>Makes the agent's token, bundle and configuration.</summary>
    public async Task EnrolAsync(CancellationToken ct)
    {
        _dir.Write("bundle.pem", await Meshca.OkAsync(ct, "bundle", "show", "--admin", Admin));
        var token = await Meshca.OkAsync(ct, "token", "create", "--admin", Admin, "-o", "json");
        _dir.Write("token", JsonNode.Parse(token)!["token"]!.GetValue<string>());
        _dir.Write(
            "agent.yaml",
            $"""
            trustDomain: example.org
            dataDir: {_dir["agent"]}
            server: 127.0.0.1:{_port}
            trustBundle: {"{"}file: bundle.pem{"}"}
            attestation: {"{"}joinToken: {"{"}tokenFile: token{"}"}{"}"}
            socket: {Socket}
            management: ""

            """
        );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var program in new[] { Agent, Server })
        {
            if (program is not null)
            {
                await program.DisposeAsync();
            }
        }

        _dir.Dispose();
    }

    private bool Answers()
    {
        using var socket = new System.Net.Sockets.Socket(
            AddressFamily.Unix,
            SocketType.Stream,
            ProtocolType.Unspecified
        );
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static Task AnswersAsync(string[] command, Program program, CancellationToken ct) =>
        Eventually.TrueAsync(
            async () =>
            {
                Assert.False(program.HasExited, program.Tail());
                return (await Meshca.RunAsync(ct, command)).Code == 0;
            },
            _startTimeout,
            () => $"meshca {string.Join(' ', command)} does not succeed\n{program.Tail()}",
            ct
        );
}
