using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Issuance;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.X509;

namespace MeshCA.Tests.Ca.Issuance;

/// <summary>What BouncyCastle, which shares no code with us or with .NET, reads in what was issued.</summary>
public sealed class SecondReaderTests : IAsyncLifetime
{
    private IssuanceFixture _fixture = null!;

    public async ValueTask InitializeAsync() =>
        _fixture = await IssuanceFixture.CreateAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Leaf_ReadByBouncyCastle_IsTheProfile()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var outcome = await IssueAsync(IssuanceFixture.Csr(key), "web.example.org");

        var leaf = new X509CertificateParser().ReadCertificate(outcome.Certificate);

        Assert.Equal(outcome.Certificate, leaf.GetEncoded());
        Assert.Equal(3, leaf.Version);
        Assert.Equal("1.2.840.10045.4.3.2", leaf.SigAlgOid);
        Assert.Equal(1, leaf.SerialNumber.SignValue);
        Assert.Equal("", leaf.SubjectDN.ToString());
        Assert.Equal(IssuanceFixture.Start.AddMinutes(-2).UtcDateTime, leaf.NotBefore);
        Assert.Equal(IssuanceFixture.Start.AddHours(1).UtcDateTime, leaf.NotAfter);
        Assert.Equal([true, false, false, false, false, false, false, false, false], leaf.GetKeyUsage());
        Assert.Equal(-1, leaf.GetBasicConstraints());
        Assert.Equal(
            [KeyPurposeID.id_kp_serverAuth.Id, KeyPurposeID.id_kp_clientAuth.Id],
            leaf.GetExtendedKeyUsage().Select(oid => oid.Id)
        );
        Assert.Equal(
            [(6, "spiffe://example.org/web"), (2, "web.example.org")],
            leaf.GetSubjectAlternativeNames().Select(name => ((int)name[0], (string)name[1]))
        );
        Assert.Equal(
            ["2.5.29.15", "2.5.29.17", "2.5.29.19"],
            leaf.GetCriticalExtensionOids().Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            ["2.5.29.14", "2.5.29.35", "2.5.29.37"],
            leaf.GetNonCriticalExtensionOids().Order(StringComparer.Ordinal)
        );
        leaf.Verify(Root().GetPublicKey());
    }

    [Fact]
    public void Root_ReadByBouncyCastle_IsTheProfile()
    {
        var root = Root();

        Assert.Equal(_fixture.Authority.Certificate.ToArray(), root.GetEncoded());
        Assert.Equal(int.MaxValue, root.GetBasicConstraints());
        Assert.Equal([false, false, false, false, false, true, true, false, false], root.GetKeyUsage());
        Assert.True(root.IssuerDN.Equivalent(root.SubjectDN, inOrder: true));
        Assert.Null(root.GetExtendedKeyUsage());
        Assert.Equal(
            [(6, "spiffe://example.org")],
            root.GetSubjectAlternativeNames().Select(name => ((int)name[0], (string)name[1]))
        );
        root.Verify(root.GetPublicKey());
    }

    [Fact]
    public async Task Leaf_WhateverTheCsrAsksFor_IsTheSame()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var plain = Tbs(await IssueAsync(IssuanceFixture.Csr(key)));

        for (var i = 0; i < 64; i++)
        {
            var wishes = i;
            var csr = IssuanceFixture.Csr(key, request => Ask(request, wishes));

            Assert.Equal(plain, Tbs(await IssueAsync(csr)));
        }
    }

    /// <summary>Each bit of <paramref name="wishes"/> is something that no CSR may get.</summary>
    private static void Ask(System.Security.Cryptography.X509Certificates.CertificateRequest request, int wishes)
    {
        var names = new SubjectAlternativeNameBuilder();
        var any = false;
        void Add(int bit, Action add)
        {
            if ((wishes & bit) != 0)
            {
                add();
                any = true;
            }
        }

        Add(1, () => names.AddUri(new("spiffe://example.org/admin")));
        Add(2, () => names.AddDnsName("evil.example.org"));
        Add(4, () => names.AddIpAddress(System.Net.IPAddress.Loopback));
        Add(8, () => names.AddEmailAddress("root@example.org"));
        if (any)
        {
            request.CertificateExtensions.Add(names.Build(critical: (wishes & 16) != 0));
        }

        if ((wishes & 16) != 0)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 3, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        }

        if ((wishes & 32) != 0)
        {
            request.CertificateExtensions.Add(
                new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.3")], critical: true)
            );
            request.CertificateExtensions.Add(
                new System.Security.Cryptography.X509Certificates.X509Extension("1.2.3.4", [5, 0], critical: true)
            );
        }
    }

    /// <summary>What was signed, without the serial number, the only part that is drawn.</summary>
    private static string Tbs(IssuanceOutcome outcome)
    {
        var tbs = new X509CertificateParser().ReadCertificate(outcome.Certificate).TbsCertificate;
        var (hex, serial) = (
            Convert.ToHexString(tbs.GetDerEncoded()),
            Convert.ToHexString(tbs.SerialNumber.PositiveValue.ToByteArrayUnsigned())
        );
        return hex.Replace(serial, "", StringComparison.Ordinal);
    }

    private Org.BouncyCastle.X509.X509Certificate Root() =>
        new X509CertificateParser().ReadCertificate(_fixture.Authority.Certificate.ToArray());

    private async Task<IssuanceOutcome> IssueAsync(byte[] csr, params string[] dnsNames)
    {
        var order = new IssuanceOrder(IssuanceFixture.Entry("/web", dnsNames), IssuanceFixture.Agent, csr);
        var outcome = Assert.Single(await _fixture.IssueAsync([order], TestContext.Current.CancellationToken));
        Assert.Null(outcome.Error);
        return outcome;
    }
}
