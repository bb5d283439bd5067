using System.Security.Cryptography;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Issuance.Lint;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.Issuance;

public sealed class LeafLintTests : IAsyncLifetime
{
    private static readonly SerialNumber _serial = SerialNumber.Next();

    private IssuanceFixture _fixture = null!;

    public async ValueTask InitializeAsync() =>
        _fixture = await IssuanceFixture.CreateAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public void Check_WhatTheProfileWrote_Passes()
    {
        var request = Request("/web", "web.example.org");

        var token = Check(Build(request), request);

        Assert.NotNull(token);
    }

    [Fact]
    public void Check_AnyBitFlipped_IsCaughtUnlessItIsTheSerialNumber()
    {
        var request = Request("/web", "web.example.org");
        var tbs = Build(request);
        Span<byte> serial = stackalloc byte[SerialNumber.Length];
        _serial.WriteTo(serial);
        var serialStart = tbs.AsSpan().IndexOf(serial);
        var passed = new List<int>();

        for (var bit = 0; bit < tbs.Length * 8; bit++)
        {
            var at = bit / 8;
            if (at >= serialStart && at < serialStart + SerialNumber.Length)
            {
                // Any serial number is as good as another.
                continue;
            }

            var flipped = (byte[])tbs.Clone();
            flipped[at] ^= (byte)(1 << (bit % 8));
            try
            {
                Check(flipped, request);
                passed.Add(bit);
            }
            catch (MeshCaException e)
            {
                Assert.Equal(ErrorKind.Internal, e.Kind);
            }
        }

        Assert.Empty(passed);
    }

    [Fact]
    public void Check_AnotherRequestsBytes_AreCaught()
    {
        var request = Request("/web");
        var tbs = Build(request);

        foreach (
            var other in new[]
            {
                Request("/webs"),
                Request("/web", "web.example.org"),
                Request("/web", ttl: TimeSpan.FromMinutes(59)),
            }
        )
        {
            Assert.Throws<MeshCaException>(() => Check(tbs, other));
        }

        Assert.Throws<MeshCaException>(() => Check([.. tbs, 0], request));
        Assert.Throws<MeshCaException>(() => Check(tbs[..^1], request));
        Assert.Throws<MeshCaException>(() => Check([], request));
    }

    [Fact]
    public async Task Check_AnotherAuthoritysBytes_AreCaught()
    {
        await using var other = await IssuanceFixture.CreateAsync(TestContext.Current.CancellationToken);
        var request = Request("/web");

        Assert.Throws<MeshCaException>(() =>
            LeafLint.Check(Build(request), request, other.Authority, IssuanceFixture.Start, new byte[32])
        );
    }

    [Fact]
    public void Redeem_Twice_IsRefused()
    {
        var request = Request("/web");
        ReadOnlyMemory<byte> tbs = Build(request);
        var token = LeafLint.Check(tbs, request, _fixture.Authority, IssuanceFixture.Start, new byte[32]);

        var digest = token.Redeem(_fixture.Signer, tbs);

        Assert.Equal(SHA256.HashData(tbs.Span), digest.ToArray());
        Assert.Throws<MeshCaException>(() => token.Redeem(_fixture.Signer, tbs));
    }

    [Fact]
    public async Task Redeem_OtherBytesOrSigner_IsRefused()
    {
        await using var other = await IssuanceFixture.CreateAsync(TestContext.Current.CancellationToken);
        var request = Request("/web");
        var tbs = Build(request);
        var token = LeafLint.Check(tbs, request, _fixture.Authority, IssuanceFixture.Start, new byte[32]);

        Assert.Throws<MeshCaException>(() => token.Redeem(other.Signer, tbs));
        Assert.Throws<MeshCaException>(() => token.Redeem(_fixture.Signer, tbs.ToArray()));
        Assert.Throws<MeshCaException>(() => token.Redeem(_fixture.Signer, tbs.AsMemory(1)));
    }

    private static IssuanceRequest Request(string path, string? dnsName = null, TimeSpan? ttl = null) =>
        IssuanceRequest.ForWorkload(
            new(IssuanceFixture.Entry(path, dnsName is null ? [] : [dnsName]), IssuanceFixture.Agent, _csr),
            IssuanceFixture.TrustDomain,
            ttl ?? TimeSpan.FromHours(1)
        );

    private static readonly byte[] _csr = IssuanceFixture.Csr();

    private LintedTbs Check(byte[] tbs, IssuanceRequest request) =>
        LeafLint.Check(tbs, request, _fixture.Authority, IssuanceFixture.Start, new byte[32]);

    private byte[] Build(IssuanceRequest request)
    {
        var buffer = new byte[LeafProfile.MaxLength(request, _fixture.Authority)];
        var validity = Validity.OfLeaf(IssuanceFixture.Start, request.Ttl, _fixture.Authority);
        var start = LeafProfile.Write(buffer, request, _fixture.Authority, _serial, validity);
        return buffer[start..];
    }
}
