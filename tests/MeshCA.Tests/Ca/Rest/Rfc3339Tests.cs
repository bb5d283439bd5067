using MeshCA.Ca.Rest;

namespace MeshCA.Tests.Ca.Rest;

public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")]
    [InlineData("2026-03-01T12:00:00.125Z", "2026-03-01T12:00:00.125Z")]
    [InlineData("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z")]
    [InlineData("2024-02-29T23:59:59.9999999Z", "2024-02-29T23:59:59.999Z")]
    public void Parse_Time_IsFormattedInUtc(string text, string formatted) =>
        Assert.Equal(formatted, Rfc3339.Format(Rfc3339.Parse(text)));

    [Theory]
    [InlineData("")]
    [InlineData("2026-03-01")]
    [InlineData("2026-03-01 12:00:00Z")]
    [InlineData("2026-03-01T12:00:00")]
    [InlineData("2026-02-30T12:00:00Z")]
    [InlineData("2026-03-01T25:00:00Z")]
    [InlineData("01/03/2026")]
    [InlineData("1772366400")]
    [InlineData("tomorrow")]
    public void Parse_Other_IsRefused(string text)
    {
        var error = Assert.Throws<FormatException>(() => Rfc3339.Parse(text));

        Assert.Equal($"'{text}' is not an RFC 3339 time such as 2026-01-31T12:00:00Z", error.Message);
    }
}
