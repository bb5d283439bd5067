using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
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
