using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

public sealed class SelectorTests
{
    [Theory]
    [InlineData("unix:uid:1000", "unix", "uid:1000")]
    [InlineData("k8s:pod-label:app:web", "k8s", "pod-label:app:web")]
    [InlineData("unix:path:/usr/bin/my app", "unix", "path:/usr/bin/my app")]
    [InlineData("x::", "x", ":")]
    public void Parse_Good_SplitsAtTheFirstColon(string text, string type, string value)
    {
        var selector = Selector.Parse(text);

        Assert.Equal((type, value, text), (selector.Type, selector.Value, selector.ToString()));
        Assert.Equal(selector, new Selector(type, value));
    }

    [Theory]
    [InlineData("", "'' is not a selector: it is not of the form type:value, such as unix:uid:1000")]
    [InlineData("unix", "'unix' is not a selector: it is not of the form type:value, such as unix:uid:1000")]
    [InlineData(":x", "':x' is not a selector: it is not of the form type:value, such as unix:uid:1000")]
    [InlineData("unix:", "'unix:' is not a selector: it has no value")]
    [InlineData("unix:a\nb", "'unix:a\ufffdb' is not a selector: it has a control character")]
    [InlineData("unix:\0", "'unix:\ufffd' is not a selector: it has a control character")]
    public void Parse_BadInput_SaysWhy(string text, string message)
    {
        var error = Assert.Throws<FormatException>(() => Selector.Parse(text));

        Assert.Equal(message, error.Message);
    }

    [Fact]
    public void Parse_LoneSurrogate_IsRefused()
    {
        Assert.False(Selector.TryParse("unix:\ud83d", out _));
        Assert.True(Selector.TryParse("unix:\ud83d\udca9", out _));
    }

    [Fact]
    public void New_TypeWithAColon_IsRefused() =>
        Assert.Equal(
            "'a:b' is not the type of a selector: it has a colon",
            Assert.Throws<FormatException>(() => new Selector("a:b", "c")).Message
        );

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void TryParse_AtTheLimit_BoundsLength(int length, bool valid) =>
        Assert.Equal(valid, Selector.TryParse("a:" + new string('v', length - 2), out _));

    [Property(MaxTest = 1000)]
    public void Parse_AnyText_ThrowsFormatExceptionOrKeepsIt(string? text)
    {
        var error = Record.Exception(() => Assert.Equal(text, Selector.Parse(text).ToString()));

        Assert.True(error is null or FormatException, $"{text}: {error}");
    }
}
