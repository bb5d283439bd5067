using System.CommandLine;
using System.Globalization;
using MeshCA.Configuration;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Envoy;

/// <summary><c>meshca envoy bootstrap</c>.</summary>
internal static class BootstrapCommand
{
    private const string Delta = "delta";
    private const string OwnBundle = "ROOTCA";
    private const string AllBundles = "ALL";

    private static readonly Option<string> _id = new("--id")
    {
        Description = "The Envoy's node id, such as web-1",
        HelpName = "ID",
        Required = true,
    };

    private static readonly Option<string> _cluster = new("--cluster")
    {
        Description = "The Envoy's node cluster, such as web",
        HelpName = "NAME",
        Required = true,
    };

    private static readonly Option<string> _socket = Text(
        "--socket",
        "PATH",
        "The agent's socket",
        "/run/meshca/agent.sock"
    );

    private static readonly Option<string> _trustDomain = new("--trust-domain")
    {
        Description = "The workload's trust domain; else the one of --peer-id",
        HelpName = "NAME",
    };

    private static readonly Option<string> _api = Text("--api", "delta|sotw", "The SDS protocol", Delta);
    private static readonly Option<int> _adminPort = new("--admin-port")
    {
        Description = "Envoy's admin interface on 127.0.0.1; 0 = none",
        HelpName = "PORT",
        DefaultValueFactory = _ => 9901,
    };

    private static readonly Option<string> _svid = Text(
        "--svid",
        "NAME",
        "The identity to use: default, or a SPIFFE ID where the workload has several",
        "default"
    );

    private static readonly Option<string> _listen = new("--listen")
    {
        Description = "Where peers connect, with mTLS",
        HelpName = "ADDRESS:PORT",
    };

    private static readonly Option<string> _app = new("--upstream-app")
    {
        Description = "The workload itself, plain HTTP; goes with --listen",
        HelpName = "HOST:PORT",
    };

    private static readonly Option<bool> _appHttp2 = new("--app-http2")
    {
        Description = "The workload speaks HTTP/2, as gRPC servers do",
    };

    private static readonly Option<string> _egress = new("--egress-listen")
    {
        Description = "Where the workload sends its calls to the peer, plain HTTP",
        HelpName = "ADDRESS:PORT",
    };

    private static readonly Option<string> _peer = new("--peer")
    {
        Description = "The peer's --listen; goes with --egress-listen",
        HelpName = "HOST:PORT",
    };

    private static readonly Option<string> _peerId = new("--peer-id")
    {
        Description = "The one SPIFFE ID that the peer must have",
        HelpName = "SPIFFE-ID",
    };

    private static readonly Option<string> _maxConnection = Text(
        "--max-connection-duration",
        "DURATION",
        "A connection keeps the certificate it began with: end it after this long",
        "30m"
    );

    private static readonly Option<string> _maxStream = Text(
        "--max-stream-duration",
        "DURATION",
        "A running HTTP/2 stream outlives its connection's limit: end it after this long; 0s = never",
        "30m"
    );

    private static readonly Option<int> _maxConnections = new("--max-connections")
    {
        Description = "How many downstream connections the Envoy accepts",
        HelpName = "N",
        DefaultValueFactory = _ => 10_000,
    };

    public static Command Build()
    {
        _api.AcceptOnlyFromAmong(Delta, "sotw");
        var command = new Command(
            "bootstrap",
            """
            Prints an Envoy bootstrap for a workload: certificate and roots by SDS from the agent on this machine, mTLS in
            (--listen, --upstream-app), mTLS out to one peer (--egress-listen, --peer, --peer-id), or both. It refuses
            peers without a certificate, resumes no TLS session, and opens no port before it has its certificate.

            Examples:
              meshca envoy bootstrap --id web-1 --cluster web --listen 0.0.0.0:8443 --upstream-app 127.0.0.1:8080 > web.yaml
              meshca envoy bootstrap --id web-1 --cluster web --egress-listen 127.0.0.1:9000 \
                --peer 10.0.0.7:8443 --peer-id spiffe://example.org/shop > web.yaml
              envoy -c web.yaml
            """
        )
        {
            _id,
            _cluster,
            _socket,
            _trustDomain,
            _svid,
            _listen,
            _app,
            _appHttp2,
            _egress,
            _peer,
            _peerId,
            _api,
            _adminPort,
            _maxConnection,
            _maxStream,
            _maxConnections,
        };
        command.SetAction(
            async (args, _) =>
            {
                await args.InvocationConfiguration.Output.WriteAsync(BootstrapYaml.Write(Read(args)));
                return ExitCodes.Done;
            }
        );
        return command;
    }

    private static Option<string> Text(string name, string helpName, string description, string defaultValue) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => defaultValue,
        };

    private static BootstrapOptions Read(ParseResult args)
    {
        var options = new BootstrapOptions
        {
            NodeId = Name(args, _id),
            NodeCluster = Name(args, _cluster),
            Socket = SocketPath(args.GetRequiredValue(_socket)),
            IsDelta = args.GetRequiredValue(_api) == Delta,
            AdminPort = Bounded(args, _adminPort, 0, ushort.MaxValue),
            SvidName = Name(args, _svid),
            MaxConnectionDuration = Options.Duration(args.GetRequiredValue(_maxConnection), _maxConnection.Name),
            MaxStreamDuration = args.GetRequiredValue(_maxStream) is "0" or "0s"
                ? TimeSpan.Zero
                : Options.Duration(args.GetRequiredValue(_maxStream), _maxStream.Name),
            MaxConnections = Bounded(args, _maxConnections, 1, int.MaxValue),
            Ingress = ReadIngress(args),
            Egress = ReadEgress(args),
        };
        return options is { Ingress: null, Egress: null }
            ? throw new UsageException(
                "nothing to do: name --listen and --upstream-app, or --egress-listen, --peer and --peer-id"
            )
            : options;
    }

    private static IngressOptions? ReadIngress(ParseResult args) =>
        All(args, _listen, _app) ? new(Endpoint(args, _listen), Endpoint(args, _app), args.GetValue(_appHttp2)) : null;

    private static EgressOptions? ReadEgress(ParseResult args)
    {
        if (!All(args, _egress, _peer, _peerId))
        {
            return null;
        }

        try
        {
            var id = SpiffeId.Parse(args.GetValue(_peerId)!);
            if (id.Path.IsEmpty)
            {
                throw new UsageException(
                    $"--peer-id: {id} is a trust domain, not a workload; name the peer's whole SPIFFE ID"
                );
            }

            var own = args.GetValue(_trustDomain) is { } name ? TrustDomain.Parse(name) : id.TrustDomain;
            // The own bundle alone verifies nobody of another trust domain.
            var bundle = own == id.TrustDomain ? OwnBundle : AllBundles;
            return new(Endpoint(args, _egress), Endpoint(args, _peer), id, bundle);
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>True if all are there, false if none is.</summary>
    private static bool All(ParseResult args, params ReadOnlySpan<Option<string>> options)
    {
        var missing = new List<string>();
        var present = new List<string>();
        foreach (var option in options)
        {
            (string.IsNullOrEmpty(args.GetValue(option)) ? missing : present).Add(option.Name);
        }

        return present.Count == 0 ? false
            : missing.Count == 0 ? true
            : throw new UsageException($"{string.Join(" and ", present)} also needs {string.Join(" and ", missing)}");
    }

    private static HostPort Endpoint(ParseResult args, Option<string> option) =>
        HostPort.TryParse(args.GetValue(option)!, minPort: 1, out var value)
            ? value
            : throw new UsageException($"{option.Name}: it is not of the form HOST:PORT, such as 127.0.0.1:8080");

    private static string Name(ParseResult args, Option<string> option)
    {
        var value = args.GetRequiredValue(option);
        return value.Length is > 0 and <= 256 && !value.Any(char.IsControl)
            ? value
            : throw new UsageException($"{option.Name}: it is empty, too long, or has a control character");
    }

    private static string SocketPath(string text)
    {
        try
        {
            return text.Contains(':', StringComparison.Ordinal)
                ? WorkloadEndpointAddress.Parse(text).SocketPath
                    ?? throw new UsageException("--socket: Envoy needs the agent's Unix socket; write its path")
                : Path.GetFullPath(text);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new UsageException($"--socket: {e.Message}");
        }
    }

    private static int Bounded(ParseResult args, Option<int> option, int min, int max)
    {
        var value = args.GetRequiredValue(option);
        return value >= min && value <= max
            ? value
            : throw new UsageException(
                string.Create(CultureInfo.InvariantCulture, $"{option.Name}: {value} is not from {min} to {max}")
            );
    }
}
