using FsCheck;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1h30m0s", 5_400_000)]
    [InlineData("90s", 90_000)]
    [InlineData("250ms", 250)]
    [InlineData("8760h", 31_536_000_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData(".5s", 500)]
    [InlineData("2000us", 2)]
    [InlineData("2000\u00b5s", 2)]
    [InlineData("2000\u03bcs", 2)]
    [InlineData("1000000ns", 1)]
    public void Parse_GoForm_IsThatLong(string text, long milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), GoDuration.Parse(text));

    [Theory]
    [InlineData("1h30m")]
    [InlineData("1m30s")]
    [InlineData("250ms")]
    [InlineData("8760h")]
    [InlineData("5m")]
    [InlineData("1s500ms")]
    [InlineData("1ms2us300ns")]
    [InlineData("0s")]
    public void Format_ShortForm_HasNoZeroUnits(string text) =>
        Assert.Equal(text, GoDuration.Format(GoDuration.Parse(text)));

    [Theory]
    [InlineData("", "'' is not a duration: it is empty; write one such as 30s, 5m or 1h30m")]
    [InlineData("5", "'5' is not a duration: a number has no unit; write one such as 30s, 5m or 1h30m")]
    [InlineData("1h5", "'1h5' is not a duration: a number has no unit; write one such as 30s, 5m or 1h30m")]
    [InlineData("h", "'h' is not a duration: it is not of the form 30s, 5m or 1h30m")]
    [InlineData("-5m", "'-5m' is not a duration: it is negative")]
    [InlineData("+5m", "'+5m' is not a duration: it is not of the form 30s, 5m or 1h30m")]
    [InlineData("5d", "'5d' is not a duration: the unit 'd' is none of ns, us, ms, s, m, h")]
    [InlineData("5 m", "'5 m' is not a duration: the unit ' m' is none of ns, us, ms, s, m, h")]
    [InlineData("5M", "'5M' is not a duration: the unit 'M' is none of ns, us, ms, s, m, h")]
    [InlineData("1.2.3s", "'1.2.3s' is not a duration: a number in it cannot be read")]
    [InlineData(".s", "'.s' is not a duration: a number in it cannot be read")]
    [InlineData("1ns", "'1ns' is not a duration: it is finer than 100ns")]
    [InlineData("256204779h", "'256204779h' is not a duration: it is too long")]
    [InlineData(
        "99999999999999999999999999999999999999999s",
        "'99999999999999999999999999999999999999999s' is not a duration: a number in it cannot be read"
    )]
    public void Parse_BadInput_SaysWhy(string text, string message)
    {
        var error = Assert.Throws<FormatException>(() => GoDuration.Parse(text));

        Assert.Equal(message, error.Message);
        Assert.False(GoDuration.TryParse(text, out _));
    }

    [Fact]
    public void Parse_VeryLongText_IsRefused() =>
        Assert.Throws<FormatException>(() => GoDuration.Parse(new string('1', 1_000_000) + "s"));

    [Property(MaxTest = 1000)]
    public void Parse_Formatted_IsTheSame(long ticks)
    {
        var value = new TimeSpan(Math.Abs(ticks % TimeSpan.MaxValue.Ticks));

        Assert.Equal(value, GoDuration.Parse(GoDuration.Format(value)));
    }

    [Property(MaxTest = 1000)]
    public void Parse_AnyText_ThrowsFormatExceptionOrNothing(string? text)
    {
        var error = Record.Exception(() => GoDuration.Parse(text));

        Assert.True(error is null or FormatException, $"{text}: {error}");
    }

    /// <summary>Text of the right alphabet gets further into the parser than any text does.</summary>
    [Property(MaxTest = 1000)]
    public void Parse_TextOfNumbersAndUnits_ThrowsFormatExceptionOrNothing(PositiveInt a, PositiveInt b, byte pick)
    {
        string[] units = ["ns", "us", "ms", "s", "m", "h", ".", "", "x", "-"];
        var text = $"{a.Get}{units[pick % 10]}{b.Get}{units[pick / 10 % 10]}";

        var error = Record.Exception(() => GoDuration.Parse(text));

        Assert.True(error is null or FormatException, $"{text}: {error}");
    }
}
