using System.Net;
using System.Text;
using MeshCA.NodeAgent;
using MeshCA.Sds;

namespace MeshCA.Configuration;

/// <summary>agent.yaml.</summary>
internal static class AgentConfig
{
    private const string DefaultDataDir = "/var/lib/meshca-agent";
    private const string DefaultSocket = "/run/meshca/agent.sock";

    /// <summary>sun_path of unix(7), less its terminating NUL.</summary>
    private const int MaxSocketPath = 107;

    /// <summary>Null when <see cref="ConfigSection.Errors"/> has any.</summary>
    public static AgentOptions? Read(ConfigSection root)
    {
        var trustDomain = CommonKeys.TrustDomain(root);
        var dataDir = root.FilePath("dataDir", DefaultDataDir);
        var server = ReadServer(root);
        var trustBundle = ReadTrustBundle(root);
        var joinToken = ReadAttestation(root);
        var socket = root.FilePath("socket", DefaultSocket);
        if (Encoding.UTF8.GetByteCount(socket) > MaxSocketPath)
        {
            root.Error(
                "socket",
                $"it is longer than the {MaxSocketPath} bytes that a Unix socket's path may have; choose a shorter one"
            );
        }

        var management = root.Listen("management", new(IPAddress.Loopback, 9465), mayBeOff: true);
        ReadWorkloadAttestation(root.Section("workloadAttestation"));
        var sds = ReadSds(root.Section("sds"));
        root.EmptyOnly("limits");
        root.End();
        return root.Errors.Any
            ? null
            : new AgentOptions
            {
                TrustDomain = trustDomain,
                DataDir = dataDir,
                Server = server!,
                TrustBundle = trustBundle!,
                JoinToken = joinToken!,
                SocketPath = socket,
                Management = management,
                Sds = sds,
            };
    }

    private static DnsEndPoint? ReadServer(ConfigSection root)
    {
        const string example = "ca.example.org:8081";
        if (root.TextOrList("server", required: true, example) is not [var text])
        {
            return null;
        }

        if (HostPort.TryParse(text, minPort: 1, out var address))
        {
            return new(address.Host, address.Port);
        }

        root.Error("server", $"it is not of the form HOST:PORT; write one such as {example}");
        return null;
    }

    private static TrustBundleOptions? ReadTrustBundle(ConfigSection root)
    {
        var kinds = new Dictionary<string, Func<ConfigSection, string, TrustBundleOptions?>>(StringComparer.Ordinal)
        {
            ["file"] = static (bundle, kind) => new() { File = bundle.FilePath(kind, required: true) },
            ["url"] = static (bundle, kind) =>
            {
                if (bundle.NonEmpty(kind) is { } text)
                {
                    if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps)
                    {
                        return new() { Url = url };
                    }

                    bundle.Error(kind, "it is not an https address; over anything less anybody could name the roots");
                }

                return null;
            },
            ["insecureBootstrap"] = static (bundle, kind) =>
            {
                if (bundle.Bool(kind, defaultValue: true))
                {
                    bundle.Warn(
                        kind,
                        "the first server that answers is trusted; use file or url for more than a trial"
                    );
                }
                else
                {
                    bundle.Error(kind, "it takes only true; remove it and name file or url");
                }

                return new() { InsecureBootstrap = true };
            },
        };
        return Required(root, "trustBundle", kinds, [], "trust bundle", "{file: bundle.pem}");
    }

    private static JoinTokenOptions? ReadAttestation(ConfigSection root)
    {
        var kinds = new Dictionary<string, Func<ConfigSection, string, JoinTokenOptions?>>(StringComparer.Ordinal)
        {
            ["joinToken"] = static (attestation, kind) =>
            {
                var tokens = new Dictionary<string, Func<ConfigSection, string, JoinTokenOptions?>>(
                    StringComparer.Ordinal
                )
                {
                    ["token"] = static (joinToken, key) => new() { Token = joinToken.NonEmpty(key) },
                    ["tokenFile"] = static (joinToken, key) => new() { TokenFile = joinToken.FilePath(key) },
                };
                return attestation.OneOf(kind, tokens, [], "token");
            },
        };
        return Required(
            root,
            "attestation",
            kinds,
            ["x509pop", "k8sPsat"],
            "attestation",
            "{joinToken: {tokenFile: token}}"
        );
    }

    private static T? Required<T>(
        ConfigSection root,
        string key,
        Dictionary<string, Func<ConfigSection, string, T?>> kinds,
        IReadOnlyList<string> later,
        string what,
        string example
    )
        where T : class
    {
        if (!root.Has(key) && !root.Collects)
        {
            root.Error(key, $"it is required and missing; add {key}: {example}");
        }

        return root.OneOf(key, kinds, later, what);
    }

    private static void ReadWorkloadAttestation(ConfigSection section)
    {
        section.Section("unix").End();
        section.NotAvailable("k8s");
        section.End();
        if (section is { IsPresent: true, IsEmpty: true })
        {
            section.Error("unix", "no way to attest a workload is left; add unix: {}");
        }
    }

    private static SdsOptions ReadSds(ConfigSection section)
    {
        var defaults = new SdsOptions();
        var options = defaults with
        {
            SvidName = section.NonEmpty("svidName") ?? defaults.SvidName,
            BundleName = section.NonEmpty("bundleName") ?? defaults.BundleName,
            AllBundlesName = section.NonEmpty("allBundlesName") ?? defaults.AllBundlesName,
            DisableSpiffeCertValidation = section.Bool("disableSpiffeCertValidation"),
        };
        var names = new[]
        {
            ("svidName", options.SvidName),
            ("bundleName", options.BundleName),
            ("allBundlesName", options.AllBundlesName),
        };
        foreach (var (key, name) in names)
        {
            if (
                name.StartsWith("spiffe://", StringComparison.Ordinal)
                || name.StartsWith("meshca:", StringComparison.Ordinal)
            )
            {
                section.Error(
                    key,
                    "a name that starts with spiffe:// or meshca: has a meaning of its own; choose another"
                );
            }

            if (Array.Find(names, other => other.Item2 == name).Item1 is { } first && first != key)
            {
                section.Error(key, $"it is the same as {first}; each needs a name of its own");
            }
        }

        section.End();
        return options;
    }
}
