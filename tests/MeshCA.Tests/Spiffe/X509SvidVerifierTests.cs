using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using FsCheck;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>Vectors/x509-svid.json: chains made after go-spiffe's x509svid tests, SPIRE's credvalidator tests and X509-SVID.md.</summary>
public sealed class X509SvidVerifierTests
{
    private static readonly JsonElement _file = VectorFile.Open("x509-svid");
    private static readonly JsonElement _cases = _file.GetProperty("cases");
    private static readonly DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(
        _file.GetProperty("evaluateAtUnix").GetInt64()
    );

    private static readonly TrustDomain _td = TrustDomain.Parse("example.org");

    public static TheoryData<int, string> Cases => VectorFile.Rows(_cases, "name");

    /// <summary>"issuer-must-not" is for issuers; a verifier may accept such a leaf, and this one does.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Verify_Vector_AsExpected(int row, string name)
    {
        var vector = _cases[row];
        var chain = Ders(vector.GetProperty("chain"));
        var bundles = Bundles(vector);

        if (vector.Text("expect") == "reject")
        {
            var error = Assert.Throws<MeshCaException>(() => X509SvidVerifier.Verify(chain, bundles, _now));
            Assert.Equal(ErrorKind.Unauthenticated, error.Kind);
        }
        else
        {
            var id = X509SvidVerifier.Verify(chain, bundles, _now);
            Assert.True(id.ToString() == (vector.TextOrNull("id") ?? id.ToString()), name);
            Assert.Equal(id, X509SvidVerifier.ReadId(chain[0]));
        }
    }

    /// <summary>The form that TLS callbacks use.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void VerifyCertificates_Vector_AsExpected(int row, string name)
    {
        var vector = _cases[row];
        var certificates = new X509Certificate2Collection();
        try
        {
            foreach (var der in Ders(vector.GetProperty("chain")))
            {
                certificates.Add(X509CertificateLoader.LoadCertificate(der.Span));
            }
        }
        catch (CryptographicException)
        {
            Assert.Equal("reject", vector.Text("expect"));
            return;
        }

        if (certificates.Count == 0)
        {
            Assert.Equal("reject", vector.Text("expect"));
            return;
        }

        var leaf = certificates[0];
        certificates.RemoveAt(0);

        var error = Record.Exception(() => X509SvidVerifier.Verify(leaf, certificates, Bundles(vector), _now));

        Assert.True(vector.Text("expect") == "reject" ? error is MeshCaException : error is null, $"{name}: {error}");
    }

    [Fact]
    public void Verify_IntermediatesInAnyOrder_IsAccepted()
    {
        using var root = TestAuthority.Root();
        using var first = root.Intermediate("CN=first");
        using var second = first.Intermediate("CN=second");

        var id = Verify(root, second.Leaf().Der, first.Der, second.Der, root.Der);

        Assert.Equal("spiffe://example.org/web", id.ToString());
    }

    /// <summary>A root's successor mostly bears its name: the key identifier tells them apart.</summary>
    [Fact]
    public void Verify_TwoRootsOfOneName_FindsTheOneThatSigned()
    {
        using var old = TestAuthority.Root("CN=same name");
        using var next = TestAuthority.Root("CN=same name");
        var bundle = new TrustBundle(_td, [old.Der, next.Der]);

        Assert.Equal("/web", Path(old));
        Assert.Equal("/web", Path(next));

        string Path(TestAuthority root) => X509SvidVerifier.Verify([root.Leaf().Der], [bundle], _now).Path.ToString();
    }

    /// <summary>Valid to the very second, by the time given and not by the machine's clock or zone.</summary>
    [Theory]
    [InlineData(-121, "is not valid before")]
    [InlineData(-120, null)]
    [InlineData(3599, null)]
    [InlineData(3600, "has expired at")]
    public void Verify_AtTheEdges_CountsSeconds(int seconds, string? reason)
    {
        using var root = TestAuthority.Root();
        var chain = new[] { root.Leaf().Der };
        var bundle = new TrustBundle(_td, [root.Der]);

        var error = Record.Exception(() => X509SvidVerifier.Verify(chain, [bundle], _now.AddSeconds(seconds)));

        Assert.Equal(reason is null, error is null);
        Assert.Contains(reason ?? "", error?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_IntermediateExpired_IsRefused()
    {
        using var root = TestAuthority.Root();
        using var intermediate = root.Intermediate();
        var (leaf, _) = intermediate.Leaf();
        var bundle = new TrustBundle(_td, [root.Der]);
        using var loaded = X509CertificateLoader.LoadCertificate(intermediate.Der.Span);
        var late = new DateTimeOffset(loaded.NotAfter.ToUniversalTime(), TimeSpan.Zero).AddSeconds(1);

        Assert.Throws<MeshCaException>(() => X509SvidVerifier.Verify([leaf, intermediate.Der], [bundle], late));
    }

    [Fact]
    public void Verify_TooManyCertificates_IsRefusedBeforeParsing()
    {
        var chain = Enumerable.Repeat(ReadOnlyMemory<byte>.Empty, X509SvidVerifier.MaxChainLength + 1).ToArray();

        var error = Assert.Throws<MeshCaException>(() => X509SvidVerifier.Verify(chain, [], _now));

        Assert.Equal("the peer's X509-SVID is refused: the chain has 9 certificates, not 1 to 8", error.Message);
    }

    [Fact]
    public void Verify_LeafAndMore_IsRefused()
    {
        using var root = TestAuthority.Root();
        byte[] tail = [.. root.Leaf().Der.Span, 0];

        var error = Assert.Throws<MeshCaException>(() => Verify(root, tail));

        Assert.EndsWith("the chain has something that is not a certificate", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A modulus of 16,384 bits makes each signature check hundreds of times slower: CVE-2023-29409 in Go.</summary>
    [Theory]
    [InlineData(16384, "the RSA key has 16384 bits, not 2048 to 4096")]
    [InlineData(1024, "the RSA key has 1024 bits, not 2048 to 4096")]
    public void Verify_RsaKeyOutOfBounds_IsRefused(int bits, string reason)
    {
        using var root = TestAuthority.Root();
        var modulus = new byte[bits / 8];
        modulus[0] = 0x80;
        modulus[^1] = 1;
        using var rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = [1, 0, 1] });

        var error = Assert.Throws<MeshCaException>(() => Verify(root, root.LeafFor(new PublicKey(rsa))));

        Assert.EndsWith(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_CurveNotAllowed_IsRefused()
    {
        using var root = TestAuthority.Root();
        using var key = ECDsa.Create(ECCurve.CreateFromValue("1.3.132.0.10")); // secp256k1

        var error = Assert.Throws<MeshCaException>(() => Verify(root, root.LeafFor(new PublicKey(key))));

        Assert.EndsWith("curve 1.3.132.0.10 is none of P-256, P-384, P-521", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_KeyUsageNotCritical_IsRefused()
    {
        using var root = TestAuthority.Root();
        var (leaf, _) = root.Leaf(change: r => r.CertificateExtensions[1].Critical = false);

        var error = Assert.Throws<MeshCaException>(() => Verify(root, leaf));

        Assert.EndsWith("its key usage is not critical", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_TwoSignatureAlgorithms_IsRefused()
    {
        using var root = TestAuthority.Root();
        var leaf = root.Leaf().Der.ToArray();
        byte[] ecdsaWithSha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        leaf[leaf.AsSpan().LastIndexOf(ecdsaWithSha256) + 7] = 0x03;

        var error = Assert.Throws<MeshCaException>(() => Verify(root, leaf));

        Assert.EndsWith("the certificate names two signature algorithms", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_UnknownCriticalExtension_IsRefused()
    {
        using var root = TestAuthority.Root();
        var (leaf, _) = root.Leaf(change: r =>
            r.CertificateExtensions.Add(new X509Extension("1.3.6.1.4.1.99999.1", [5, 0], true))
        );

        Assert.Throws<MeshCaException>(() => Verify(root, leaf));
    }

    /// <summary>Whatever one bit is changed to: the old identity or a refusal, never another one or another exception.</summary>
    [Property(MaxTest = 300)]
    public void Verify_OneByteChanged_IsRefused(NonNegativeInt at, byte replacement)
    {
        var chain = Ders(_cases.EnumerateArray().First(c => c.Text("expect") == "accept").GetProperty("chain"));
        var vector = _cases.EnumerateArray().First(c => c.Text("expect") == "accept");
        var changed = chain[0].ToArray();
        changed[at.Get % changed.Length] = replacement;
        chain[0] = changed;

        var error = Record.Exception(() => X509SvidVerifier.Verify(chain, Bundles(vector), _now));

        var same = changed.AsSpan().SequenceEqual(Ders(vector.GetProperty("chain"))[0].Span);
        Assert.True(same ? error is null : error is MeshCaException, $"{at}: {error}");
    }

    private static SpiffeId Verify(TestAuthority root, params ReadOnlyMemory<byte>[] chain) =>
        X509SvidVerifier.Verify(chain, [new TrustBundle(_td, [root.Der])], _now);

    private static TrustBundle[] Bundles(JsonElement vector) =>
        [
            .. vector
                .GetProperty("bundles")
                .EnumerateObject()
                .Select(b => new TrustBundle(TrustDomain.Parse(b.Name), [.. Ders(b.Value)])),
        ];

    private static ReadOnlyMemory<byte>[] Ders(JsonElement array) =>
        [.. array.EnumerateArray().Select(der => (ReadOnlyMemory<byte>)der.GetBytesFromBase64())];
}
