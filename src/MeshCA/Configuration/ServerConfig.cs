using System.Collections.Immutable;
using System.Net;
using MeshCA.Ca;
using MeshCA.Signers;
using MeshCA.Signers.Disk;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;

namespace MeshCA.Configuration;

/// <summary>server.yaml.</summary>
internal static class ServerConfig
{
    private const string DefaultDataDir = "/var/lib/meshca";
    private const string DefaultSigner = "root";

    /// <summary>Leaf lifetimes that make sense: renewal at 0.4 of less than this is a busy loop, and more is no short life.</summary>
    private static readonly TimeSpan _minSvidTtl = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _maxSvidTtl = TimeSpan.FromDays(30);
    private static readonly TimeSpan _minCaTtl = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _maxCaTtl = TimeSpan.FromDays(50 * 365);

    /// <summary>A CA certificate lives at least so many times as long as what it signs (DESIGN: rotation needs the room).</summary>
    private const int TtlRatio = 3;

    private static readonly IReadOnlyDictionary<string, KeyType> _keyTypes = new Dictionary<string, KeyType>(
        StringComparer.Ordinal
    )
    {
        ["ecP256"] = KeyType.EcP256,
        ["ecP384"] = KeyType.EcP384,
        ["rsa2048"] = KeyType.Rsa2048,
        ["rsa3072"] = KeyType.Rsa3072,
        ["rsa4096"] = KeyType.Rsa4096,
    };

    private static readonly IReadOnlyDictionary<string, Func<ConfigSection, string, SignerOptions?>> _signerKinds =
        new Dictionary<string, Func<ConfigSection, string, SignerOptions?>>(StringComparer.Ordinal)
        {
            ["memory"] = static (signer, kind) =>
            {
                signer.Section(kind).End();
                return new MemorySignerOptions { Name = "" };
            },
            ["disk"] = ReadDiskSigner,
        };

    /// <summary>Kinds of DESIGN that come later; named so that they are not called misspelt.</summary>
    private static readonly string[] _laterSignerKinds = ["pluggedIn", "pkcs11", "awsKms", "azureKeyVault", "external"];

    /// <summary>Null when <see cref="ConfigSection.Errors"/> has any.</summary>
    public static ServerOptions? Read(ConfigSection root)
    {
        var trustDomain = CommonKeys.TrustDomain(root);
        var dataDir = root.FilePath("dataDir", DefaultDataDir);
        var listen = root.Listen("listen", new(IPAddress.Any, 8081), mayBeOff: false);
        var management = root.Listen("management", new(IPAddress.Loopback, 9464), mayBeOff: true);
        var uids = ReadAdmin(root.Section("admin"));
        var sqlitePath = ReadStore(root, dataDir);
        var signers = ReadSigners(root, dataDir);
        var (x509Ttl, jwtTtl) = ReadSvid(root.Section("svid"));
        var authority = ReadAuthority(root.Section("authority"), signers, x509Ttl > jwtTtl ? x509Ttl : jwtTtl);
        ReadNodeAttestation(root.Section("nodeAttestation"));
        var entries = root.Section("entries");
        var requireParent = entries.Bool("requireParent");
        entries.End();
        var agents = root.Section("agents");
        var reportInterval = agents.Duration(
            "reportInterval",
            TimeSpan.FromSeconds(30),
            TimeSpan.FromSeconds(1),
            TimeSpan.FromHours(1)
        );
        agents.End();
        root.EmptyOnly("limits");
        root.End();
        CommonKeys.CheckPorts(root, listen, management);
        return root.Errors.Any
            ? null
            : new ServerOptions
            {
                TrustDomain = trustDomain,
                DataDir = dataDir,
                Listen = listen!,
                Management = management,
                AdminSocketUids = uids,
                SqlitePath = sqlitePath,
                Signers = signers,
                Authority = authority,
                X509SvidTtl = x509Ttl,
                JwtSvidTtl = jwtTtl,
                RequireParent = requireParent,
                ReportInterval = reportInterval,
            };
    }

    private static ImmutableArray<uint> ReadAdmin(ConfigSection admin)
    {
        var uids = admin.Numbers("socketUids");
        if (admin.Text("listen") is { Length: > 0 })
        {
            admin.Error(
                "listen",
                "the admin API over HTTPS is not available in this version; remove it, or set it to \"\""
            );
        }

        admin.End();
        return [.. uids.Distinct().Order()];
    }

    private static string ReadStore(ConfigSection root, string dataDir)
    {
        var byDefault = Path.Combine(dataDir, "meshca.db");
        var kinds = new Dictionary<string, Func<ConfigSection, string, string?>>(StringComparer.Ordinal)
        {
            ["sqlite"] = (store, kind) =>
            {
                var sqlite = store.Section(kind);
                var path = sqlite.FilePath("path") ?? byDefault;
                sqlite.End();
                return path;
            },
        };
        return root.OneOf("store", kinds, ["postgres"], "store") ?? byDefault;
    }

    private static ImmutableArray<SignerOptions> ReadSigners(ConfigSection root, string dataDir)
    {
        var section = root.Section("signers");
        if (!section.IsPresent && !root.Collects)
        {
            return [DefaultDisk(DefaultSigner, dataDir)];
        }

        var signers = ImmutableArray.CreateBuilder<SignerOptions>();
        foreach (var name in section.Names("<name>"))
        {
            if (!CommonKeys.IsName(name) && !root.Collects)
            {
                section.Error(name, "a signer's name has 1 to 63 of a-z, A-Z, 0-9 and '-', and starts with a letter");
            }

            switch (section.OneOf(name, _signerKinds, _laterSignerKinds, "signer"))
            {
                case MemorySignerOptions:
                    signers.Add(new MemorySignerOptions { Name = name });
                    break;
                case DiskSignerOptions disk:
                    signers.Add(
                        disk with
                        {
                            Name = name,
                            Path = disk.Path.Length > 0 ? disk.Path : DefaultDisk(name, dataDir).Path,
                        }
                    );
                    break;
            }
        }

        if (signers.Count == 0 && section.IsEmpty)
        {
            root.Error("signers", "it names no signer; add one such as root: {disk: {}}");
        }

        foreach (var same in signers.OfType<DiskSignerOptions>().GroupBy(static s => s.Path, StringComparer.Ordinal))
        {
            if (same.Skip(1).FirstOrDefault() is { } second)
            {
                section.Error(
                    second.Name,
                    $"it has the same key file as {same.First().Name}, {same.Key}; give each its own"
                );
            }
        }

        return signers.ToImmutable();
    }

    private static DiskSignerOptions DefaultDisk(string name, string dataDir) =>
        new() { Name = name, Path = Path.Combine(dataDir, "keys", name + ".pem") };

    private static DiskSignerOptions ReadDiskSigner(ConfigSection signer, string kind)
    {
        var disk = signer.Section(kind);
        var options = new DiskSignerOptions
        {
            Name = "",
            Path = disk.FilePath("path") ?? "",
            PassphraseFile = disk.FilePath("passphraseFile"),
        };
        disk.End();
        return options;
    }

    private static (TimeSpan X509, TimeSpan Jwt) ReadSvid(ConfigSection svid)
    {
        var x509 = svid.Duration("x509SvidTtl", TimeSpan.FromHours(1), _minSvidTtl, _maxSvidTtl);
        var jwt = svid.Duration("jwtSvidTtl", TimeSpan.FromMinutes(5), _minSvidTtl, _maxSvidTtl);
        svid.End();
        return (x509, jwt);
    }

    private static AuthorityOptions ReadAuthority(
        ConfigSection section,
        ImmutableArray<SignerOptions> signers,
        TimeSpan longestLeaf
    )
    {
        var rootSigner = section.NonEmpty("rootSigner") ?? DefaultSigner;
        var signer = signers.FirstOrDefault(s => s.Name == rootSigner);
        if (signer is null && !section.Errors.Any)
        {
            section.Error(
                "rootSigner",
                $"no signer is called {rootSigner}; name one of: {string.Join(", ", signers.Select(static s => s.Name))}"
            );
        }

        if (signer is MemorySignerOptions)
        {
            section.Warn(
                "rootSigner",
                "the root key is in memory only: after a restart nobody trusts what was issued before; use disk for more than a trial"
            );
        }

        var direct = ReadIssuing(section);
        var keyType = ReadKeyType(section);
        var rootTtl = section.Duration("rootTtl", TimeSpan.FromDays(365), _minCaTtl, _maxCaTtl);
        var intermediateTtl = section.Duration("intermediateTtl", TimeSpan.FromHours(24), _minCaTtl, _maxCaTtl);
        var least = longestLeaf * TtlRatio;
        CheckTtl(section, "rootTtl", rootTtl, least);
        if (!direct)
        {
            CheckTtl(section, "intermediateTtl", intermediateTtl, least);
            if (intermediateTtl > rootTtl)
            {
                section.Error(
                    "intermediateTtl",
                    "it is longer than rootTtl, under which it is issued; make it shorter"
                );
            }
        }

        section.End();
        return new()
        {
            RootSigner = rootSigner,
            IssuingDirect = direct,
            KeyType = keyType,
            RootTtl = rootTtl,
            IntermediateTtl = intermediateTtl,
        };
    }

    private static void CheckTtl(ConfigSection section, string key, TimeSpan ttl, TimeSpan least)
    {
        if (ttl < least)
        {
            section.Error(
                key,
                $"{GoDuration.Format(ttl)} is less than {TtlRatio} times the longest SVID lifetime; make it at least {GoDuration.Format(least)}, or the SVIDs shorter"
            );
        }
    }

    private static bool ReadIssuing(ConfigSection section)
    {
        const string remedy = "write {direct: true}, or {signer: memory} for a short-lived intermediate";
        var kinds = new Dictionary<string, Func<ConfigSection, string, object?>>(StringComparer.Ordinal)
        {
            ["direct"] = static (issuing, kind) =>
            {
                if (!issuing.Bool(kind, defaultValue: true))
                {
                    issuing.Error(kind, $"it takes only true; {remedy}");
                }

                return true;
            },
            ["signer"] = static (issuing, kind) =>
            {
                if (issuing.NonEmpty(kind) is { } name and not "memory")
                {
                    issuing.Error(kind, $"'{name}' cannot hold an issuing key; {remedy}");
                }

                return false;
            },
        };
        // Both kinds of signer of this version are fast and near: they sign leaves themselves unless told otherwise.
        return section.OneOf("issuing", kinds, [], "issuing") is not false;
    }

    private static KeyType ReadKeyType(ConfigSection section)
    {
        if (section.NonEmpty("keyType") is not { } name)
        {
            return KeyType.EcP256;
        }

        if (!_keyTypes.TryGetValue(name, out var keyType))
        {
            section.Error("keyType", $"'{name}' is not a key type; write one of: {string.Join(", ", _keyTypes.Keys)}");
        }

        return keyType;
    }

    private static void ReadNodeAttestation(ConfigSection section)
    {
        section.Section("joinToken").End();
        section.NotAvailable("x509pop");
        section.NotAvailable("k8sPsat");
        section.End();
        if (section is { IsPresent: true, IsEmpty: true })
        {
            section.Error("joinToken", "no way for an agent to join is left; add joinToken: {}");
        }
    }
}
