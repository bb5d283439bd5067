using System.Text.Json;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>Vectors/rotation.json, its "ca" rows: thresholds worked out from SPIRE's pkg/server/ca/manager/slot.go.</summary>
public sealed class RotationScheduleTests
{
    private static readonly JsonElement _rows = VectorFile.Open("rotation").GetProperty("ca");
    private static readonly DateTimeOffset _issuedAt = DateTimeOffset.FromUnixTimeSeconds(1_767_225_600);

    public static TheoryData<int, string> Rows => VectorFile.Rows(_rows, "caTtlSeconds");

    [Theory]
    [MemberData(nameof(Rows))]
    public void CaSchedule_Vector_AsExpected(int row, string caTtlSeconds)
    {
        var ttl = TimeSpan.FromSeconds(long.Parse(caTtlSeconds, null));
        var notAfter = _issuedAt + ttl;

        Assert.Equal(Seconds("prepareAtSeconds"), RotationSchedule.PrepareAt(_issuedAt, notAfter) - _issuedAt);
        Assert.Equal(Seconds("activateAtSeconds"), RotationSchedule.ActivateAt(_issuedAt, notAfter) - _issuedAt);
        Assert.Equal(Seconds("maxSvidTtlSeconds"), RotationSchedule.LongestSvidTtl(ttl));

        TimeSpan Seconds(string name) => TimeSpan.FromSeconds(_rows[row].GetProperty(name).GetInt64());
    }

    /// <summary>Issued at one instant, 10,000 certificates must not come back at one instant.</summary>
    [Fact]
    public void RenewAt_TenThousandCertificates_SpreadOverTheWindow()
    {
        const int Count = 10_000;
        const int Bins = 20;
        var ttl = TimeSpan.FromHours(1);
        var shares = new double[Count];
        for (var i = 0; i < Count; i++)
        {
            var at = RotationSchedule.RenewAt(_issuedAt, _issuedAt + ttl, BitConverter.GetBytes(i));
            shares[i] = (at - _issuedAt) / ttl;
        }

        var bins = shares.CountBy(s => (int)((s - 0.4) / 0.2 * Bins)).ToDictionary();

        Assert.All(shares, s => Assert.InRange(s, 0.4, 0.6));
        Assert.True(shares.Max() - shares.Min() >= 0.9 * 0.2);
        Assert.Equal(Bins, bins.Count);
        Assert.True(bins.Values.Max() <= 1.5 * Count / Bins, $"peak {bins.Values.Max()} of mean {Count / Bins}");
    }

    [Fact]
    public void RenewAt_SameCertificate_IsTheSame()
    {
        byte[] certificate = [1, 2, 3];
        var notAfter = _issuedAt.AddHours(1);

        Assert.Equal(
            RotationSchedule.RenewAt(_issuedAt, notAfter, certificate),
            RotationSchedule.RenewAt(_issuedAt, notAfter, certificate)
        );
    }

    [Property(MaxTest = 1000)]
    public void All_AnyLife_AreNotBeforeIssueNorNegative(int lifeSeconds, int nowSeconds, byte[] certificate)
    {
        var notAfter = _issuedAt.AddSeconds(lifeSeconds);
        var renewAt = RotationSchedule.RenewAt(_issuedAt, notAfter, certificate);

        Assert.True(renewAt >= _issuedAt);
        Assert.True(lifeSeconds <= 0 || renewAt < notAfter);
        Assert.True(RotationSchedule.PrepareAt(_issuedAt, notAfter) >= _issuedAt);
        Assert.True(
            RotationSchedule.ActivateAt(_issuedAt, notAfter) >= RotationSchedule.PrepareAt(_issuedAt, notAfter)
        );
        Assert.True(RotationSchedule.DelayUntil(renewAt, _issuedAt.AddSeconds(nowSeconds)) >= TimeSpan.Zero);
    }
}
