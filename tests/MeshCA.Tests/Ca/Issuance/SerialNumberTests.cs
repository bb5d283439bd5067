using MeshCA.Ca.Issuance;

namespace MeshCA.Tests.Ca.Issuance;

public sealed class SerialNumberTests
{
    [Fact]
    public void Next_Many_AreDistinctPositiveAndSpread()
    {
        const int Count = 200_000;
        var seen = new HashSet<UInt128>(Count);
        var first = new int[256];
        Span<byte> bytes = stackalloc byte[SerialNumber.Length];

        for (var i = 0; i < Count; i++)
        {
            var serial = SerialNumber.Next();
            serial.WriteTo(bytes);
            first[bytes[0]]++;
            Assert.True(seen.Add(serial.Value));
        }

        Assert.Equal(0, first[0]);
        Assert.All(first[128..], count => Assert.Equal(0, count));
        // 127 values: 1,575 each, deviation 40.
        Assert.All(first[1..128], count => Assert.InRange(count, 1_300, 1_850));
    }

    [Fact]
    public void TryParse_ItsOwnText_IsTheSame()
    {
        var serial = SerialNumber.Next();

        Assert.True(SerialNumber.TryParse(serial.ToString(), out var parsed));
        Assert.Equal(serial, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("0123456789abcdef0123456789abcde")]
    [InlineData("0123456789abcdef0123456789abcdef0")]
    [InlineData("0123456789ABCDEF0123456789abcdef")]
    [InlineData("0x23456789abcdef0123456789abcdef")]
    [InlineData(" 123456789abcdef0123456789abcdef")]
    [InlineData("g123456789abcdef0123456789abcdef")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(SerialNumber.TryParse(text, out _));
}
