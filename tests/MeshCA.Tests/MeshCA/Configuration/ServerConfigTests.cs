using System.Net;
using MeshCA.Signers;
using MeshCA.Signers.Disk;
using MeshCA.Signers.Memory;

namespace MeshCA.Tests.Configuration;

public sealed class ServerConfigTests
{
    [Fact]
    public void Read_TrustDomainAlone_HasEveryDefault()
    {
        var options = ConfigText.ValidServer("trustDomain: example.org");

        Assert.Equal("example.org", options.TrustDomain.Name);
        Assert.Equal("/var/lib/meshca", options.DataDir);
        Assert.Equal("0.0.0.0:8081", options.Listen.ToString());
        Assert.Equal("127.0.0.1:9464", options.Management!.ToString());
        Assert.Equal("/var/lib/meshca/admin.sock", options.AdminSocketPath);
        Assert.Empty(options.AdminSocketUids);
        Assert.Equal("/var/lib/meshca/meshca.db", options.SqlitePath);
        var signer = Assert.IsType<DiskSignerOptions>(Assert.Single(options.Signers));
        Assert.Equal(("root", "/var/lib/meshca/keys/root.pem"), (signer.Name, signer.Path));
        Assert.Equal("root", options.Authority.RootSigner);
        Assert.True(options.Authority.IssuingDirect);
        Assert.Equal(KeyType.EcP256, options.Authority.KeyType);
        Assert.Equal(TimeSpan.FromHours(8760), options.Authority.RootTtl);
        Assert.Equal(TimeSpan.FromHours(24), options.Authority.IntermediateTtl);
        Assert.Equal(TimeSpan.FromHours(1), options.X509SvidTtl);
        Assert.Equal(TimeSpan.FromMinutes(5), options.JwtSvidTtl);
        Assert.False(options.RequireParent);
        Assert.Equal(TimeSpan.FromSeconds(30), options.ReportInterval);
    }

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        var options = ConfigText.ValidServer(
            """
            trustDomain: prod.test
            dataDir: data
            listen: "[::1]:9000"
            management: ""
            admin: {socketUids: [1001, 1000, 1001], listen: ""}
            store: {sqlite: {path: ../db/ca.db}}
            signers:
              top: {disk: {path: keys/top.pem, passphraseFile: /run/secrets/top}}
              spare: {memory: {}}
            authority: {rootSigner: top, issuing: {signer: memory}, keyType: rsa3072, rootTtl: 720h, intermediateTtl: 12h}
            svid: {x509SvidTtl: 1h30m, jwtSvidTtl: 90s}
            nodeAttestation: {joinToken: {}}
            entries: {requireParent: true}
            agents: {reportInterval: 5s}
            limits: {}
            """
        );

        Assert.Equal("/etc/meshca/data", options.DataDir);
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Loopback, 9000), options.Listen);
        Assert.Null(options.Management);
        Assert.Equal([1000u, 1001u], options.AdminSocketUids);
        Assert.Equal("/etc/db/ca.db", options.SqlitePath);
        var top = Assert.IsType<DiskSignerOptions>(options.Signers[0]);
        Assert.Equal(("top", "/etc/meshca/keys/top.pem", "/run/secrets/top"), (top.Name, top.Path, top.PassphraseFile));
        Assert.Equal("spare", Assert.IsType<MemorySignerOptions>(options.Signers[1]).Name);
        Assert.Equal("top", options.Authority.RootSigner);
        Assert.False(options.Authority.IssuingDirect);
        Assert.Equal(KeyType.Rsa3072, options.Authority.KeyType);
        Assert.Equal(TimeSpan.FromDays(30), options.Authority.RootTtl);
        Assert.Equal(TimeSpan.FromMinutes(90), options.X509SvidTtl);
        Assert.Equal(TimeSpan.FromSeconds(90), options.JwtSvidTtl);
        Assert.True(options.RequireParent);
        Assert.Equal(TimeSpan.FromSeconds(5), options.ReportInterval);
    }

    [Theory]
    [InlineData("", "trustDomain (line 1): it is required and missing")]
    [InlineData("trustDomain:", "trustDomain (line 1): the value is missing")]
    [InlineData("trustDomain: ''", "trustDomain (line 1): it is empty")]
    [InlineData("trustDomain: 5", "trustDomain (line 1): 5 is a number, not text")]
    [InlineData("trustDomain: yes.Example", "trustDomain (line 1): 'yes.Example' is not a trust domain")]
    [InlineData("trustDomain: [a]", "trustDomain (line 1): it is a list where one value is wanted")]
    [InlineData("trustDomain: a\ntrustDomian: b", "trustDomian (line 2): unknown key; did you mean trustDomain")]
    [InlineData(
        "trustDomain: a\nsvid: {x509SvidTTL: 1h}",
        "svid.x509SvidTTL (line 2): unknown key; did you mean x509SvidTtl"
    )]
    [InlineData("trustDomain: a\nzebra: 1", "zebra (line 2): unknown key; known here: admin, agents")]
    [InlineData("trustDomain: a\ntrustDomain: b", "trustDomain (line 2): the key is there twice, first on line 1")]
    [InlineData("trustDomain: a\nlisten: nowhere", "listen (line 2): 'nowhere' is not an address to listen on")]
    [InlineData("trustDomain: a\nlisten: ca.example.org:80", "listen (line 2): 'ca.example.org:80' is not an address")]
    [InlineData("trustDomain: a\nlisten: 127.0.0.1:65536", "is not an address to listen on")]
    [InlineData("trustDomain: a\nlisten: ''", "listen (line 2): it is empty, but this listener cannot be off")]
    [InlineData("trustDomain: a\nlisten: 127.0.0.1:9464", "management (line 1): it is the same address as listen")]
    [InlineData(
        "trustDomain: a\nadmin: {listen: 0.0.0.0:8443}",
        "admin.listen (line 2): the admin API over HTTPS is not available in this version"
    )]
    [InlineData(
        "trustDomain: a\nadmin: {socketUids: [root]}",
        "admin.socketUids[0] (line 2): it is not a whole number"
    )]
    [InlineData("trustDomain: a\nadmin: {socketUids: 0}", "admin.socketUids (line 2): it is not a list")]
    [InlineData("trustDomain: a\nadmin: []", "admin (line 2): it is not a map")]
    [InlineData("trustDomain: a\nadmin:", "admin (line 2): the value is missing; write a map, or {} for all defaults")]
    [InlineData(
        "trustDomain: a\nstore: {postgres: {connectionString: x}}",
        "store.postgres (line 2): postgres is not available in this version"
    )]
    [InlineData(
        "trustDomain: a\nstore: {sqlite: {}, postgres: {}}",
        "store (line 2): it holds 2 kinds of store where exactly one is wanted"
    )]
    [InlineData("trustDomain: a\nstore: {}", "store (line 2): it is empty; write one of: sqlite")]
    [InlineData("trustDomain: a\nstore: {sqlit: {}}", "store.sqlit (line 2): unknown key; did you mean sqlite")]
    [InlineData(
        "trustDomain: a\nsigners: {root: {pkcs11: {module: x}}}",
        "signers.root.pkcs11 (line 2): pkcs11 is not available in this version"
    )]
    [InlineData("trustDomain: a\nsigners: {root: {awsKms: {}}}", "awsKms is not available in this version")]
    [InlineData(
        "trustDomain: a\nsigners: {root: {azureKeyVault: {}}}",
        "azureKeyVault is not available in this version"
    )]
    [InlineData("trustDomain: a\nsigners: {root: {external: {}}}", "external is not available in this version")]
    [InlineData("trustDomain: a\nsigners: {root: {pluggedIn: {}}}", "pluggedIn is not available in this version")]
    [InlineData(
        "trustDomain: a\nsigners: {root: {disc: {}}}",
        "signers.root.disc (line 2): unknown key; did you mean disk"
    )]
    [InlineData(
        "trustDomain: a\nsigners: {root: {}}",
        "signers.root (line 2): it is empty; write one of: memory, disk"
    )]
    [InlineData("trustDomain: a\nsigners: {}", "signers (line 2): it names no signer")]
    [InlineData("trustDomain: a\nsigners: {root: {disk: {}}, 'a b': {disk: {}}}", "a signer's name has 1 to 63")]
    [InlineData(
        "trustDomain: a\nsigners: {root: {disk: {path: k}}, b: {disk: {path: ./k}}}",
        "signers.b (line 2): it has the same key file as root"
    )]
    [InlineData(
        "trustDomain: a\nsigners: {root: {memory: {size: 1}}}",
        "signers.root.memory.size (line 2): unknown key"
    )]
    [InlineData(
        "trustDomain: a\nauthority: {rootSigner: hsm}",
        "authority.rootSigner (line 2): no signer is called hsm; name one of: root"
    )]
    [InlineData(
        "trustDomain: a\nauthority: {issuing: {direct: false}}",
        "authority.issuing.direct (line 2): it takes only true"
    )]
    [InlineData(
        "trustDomain: a\nauthority: {issuing: {signer: root}}",
        "authority.issuing.signer (line 2): 'root' cannot hold an issuing key"
    )]
    [InlineData("trustDomain: a\nauthority: {issuing: {direct: true, signer: memory}}", "exactly one is wanted")]
    [InlineData(
        "trustDomain: a\nauthority: {keyType: ed25519}",
        "authority.keyType (line 2): 'ed25519' is not a key type; write one of: ecP256"
    )]
    [InlineData(
        "trustDomain: a\nauthority: {rootTtl: 2h}",
        "authority.rootTtl (line 2): 2h is less than 3 times the longest SVID lifetime; make it at least 3h"
    )]
    [InlineData(
        "trustDomain: a\nauthority: {issuing: {signer: memory}, intermediateTtl: 2h}",
        "authority.intermediateTtl (line 2): 2h is less than 3 times"
    )]
    [InlineData(
        "trustDomain: a\nauthority: {issuing: {signer: memory}, rootTtl: 12h}",
        "authority.intermediateTtl (line 2): it is longer than rootTtl"
    )]
    [InlineData("trustDomain: a\nsvid: {jwtSvidTtl: 400h}\nauthority: {rootTtl: 1000h}", "authority.rootTtl")]
    [InlineData("trustDomain: a\nsvid: {x509SvidTtl: 10}", "svid.x509SvidTtl (line 2): '10' is not a duration")]
    [InlineData(
        "trustDomain: a\nsvid: {x509SvidTtl: 1s}",
        "svid.x509SvidTtl (line 2): 1s is out of range; write one from 5s to 720h"
    )]
    [InlineData(
        "trustDomain: a\nsvid: {x509SvidTtl: {h: 1}}",
        "svid.x509SvidTtl (line 2): it is a map where one value is wanted"
    )]
    [InlineData(
        "trustDomain: a\nnodeAttestation: {}",
        "nodeAttestation.joinToken (line 2): no way for an agent to join is left"
    )]
    [InlineData(
        "trustDomain: a\nnodeAttestation: {x509pop: {caFile: c}}",
        "nodeAttestation.x509pop (line 2): not available in this version"
    )]
    [InlineData(
        "trustDomain: a\nnodeAttestation: {k8sPsat: {}}",
        "nodeAttestation.k8sPsat (line 2): not available in this version"
    )]
    [InlineData(
        "trustDomain: a\nentries: {requireParent: maybe}",
        "entries.requireParent (line 2): 'maybe' is not a boolean"
    )]
    [InlineData(
        "trustDomain: a\nentries: {requireParent: 'true'}",
        "entries.requireParent (line 2): 'true' is not a boolean"
    )]
    [InlineData("trustDomain: a\nlimits: {x: 1}", "limits.x (line 2): not available in this version")]
    [InlineData("trustDomain: a\ndataDir: \"x\\0y\"", "dataDir (line 2): a path cannot hold a NUL character")]
    public void Read_Wrong_IsNamedWithItsPlaceAndTheRemedy(string yaml, string expected)
    {
        var (options, errors) = ConfigText.Server(yaml);

        Assert.Null(options);
        Assert.Contains(errors.Errors, e => e.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_ManyWrong_AreNamedAtOnceInTheOrderOfTheFile()
    {
        var (_, errors) = ConfigText.Server(
            "trustDomian: a.test\nlisten: nowhere\nsvid: {x509SvidTtl: soon}\nsigners: {root: {disc: {}}}\n"
        );

        Assert.Equal(
            [
                "f.yaml: trustDomain (line 1)",
                "f.yaml: trustDomian (line 1)",
                "f.yaml: listen (line 2)",
                "f.yaml: svid.x509SvidTtl (line 3)",
                "f.yaml: signers.root.disc (line 4)",
            ],
            errors.Errors.Select(static e => e[..(e.IndexOf("):", StringComparison.Ordinal) + 1)])
        );
    }

    [Fact]
    public void Read_MemoryRoot_IsWarnedAbout()
    {
        var (options, errors) = ConfigText.Server("trustDomain: a\nsigners: {root: {memory: {}}}");

        Assert.NotNull(options);
        Assert.Contains("memory", Assert.Single(errors.Warnings), StringComparison.Ordinal);
    }
}
