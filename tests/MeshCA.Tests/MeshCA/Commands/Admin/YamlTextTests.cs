using System.Text.Json.Nodes;
using MeshCA.Commands.Admin;
using YamlDotNet.RepresentationModel;

namespace MeshCA.Tests.Commands.Admin;

public sealed class YamlTextTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("yes")]
    [InlineData("NO")]
    [InlineData("null")]
    [InlineData("~")]
    [InlineData("12")]
    [InlineData("1e3")]
    [InlineData("0x10")]
    [InlineData("2026-01-01T00:00:00Z")]
    [InlineData("- a")]
    [InlineData("a: b")]
    [InlineData("a #b")]
    [InlineData("{a}")]
    [InlineData("line\nbreak\ttab \"quote\" \\ back")]
    [InlineData("trailing ")]
    [InlineData("ключ 😀")]
    [InlineData("\u001b[2J")]
    public void Of_Text_IsReadBackAsThatText(string text)
    {
        var yaml = YamlText.Of(new JsonObject { ["value"] = text, [text] = 1 });

        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        var map = Assert.IsType<YamlMappingNode>(stream.Documents[0].RootNode);
        var value = Assert.IsType<YamlScalarNode>(map.Children[new YamlScalarNode("value")]);
        Assert.Equal(text, value.Value);
        Assert.Contains(map.Children, pair => ((YamlScalarNode)pair.Key).Value == text);
        // A plain scalar may be something else to another reader: only what is surely a string stands plain.
        Assert.Equal(text == "plain", value.Style == YamlDotNet.Core.ScalarStyle.Plain);
        Assert.DoesNotContain('\u001b', yaml);
    }

    [Fact]
    public void Of_NumbersAndNesting_KeepTheirForm()
    {
        var node = JsonNode.Parse("""{"num":1.5,"flag":true,"none":null,"list":[[],{}],"map":{"a":[1,2]}}""")!;

        var yaml = YamlText.Of(node);

        Assert.Equal("num: 1.5\nflag: true\nnone: null\nlist:\n- []\n- {}\nmap:\n  a:\n  - 1\n  - 2\n", yaml);
    }
}
