using MeshCA.Configuration;

namespace MeshCA.Tests.Configuration;

public sealed class ConfigParserTests
{
    [Theory]
    [InlineData("a: [", "not YAML")]
    [InlineData("a: \"x", "not YAML")]
    [InlineData("a: 1\n  b: 2", "not YAML")]
    [InlineData("- a", "the file is not a map")]
    [InlineData("text", "the file is not a map")]
    [InlineData("a: &x 1", "a (line 1): it has an anchor or a tag")]
    [InlineData("a: !!str 1", "a (line 1): it has an anchor or a tag")]
    [InlineData("a: &x {b: 1}\nc: *x", "c (line 2): *x is an alias")]
    [InlineData("[a, b]: 1", "a key is a list or a map")]
    [InlineData("a: 1\n---\nb: 2", "a second document starts")]
    [InlineData("a: [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]", "nested more than 16 deep")]
    public void Parse_Wrong_IsSaid(string yaml, string expected)
    {
        var errors = new ConfigErrors("f.yaml");

        ConfigParser.Parse(yaml, errors);

        Assert.Contains(errors.Errors, e => e.Contains(expected, StringComparison.Ordinal));
    }

    /// <summary>Nine levels of ten aliases each would be a billion values.</summary>
    [Fact]
    public void Parse_AliasBomb_IsRefusedQuickly()
    {
        var errors = new ConfigErrors("f.yaml");
        var yaml = "a0: &a0 [x]\n";
        for (var i = 1; i < 10; i++)
        {
            yaml += $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n";
        }

        ConfigParser.Parse(yaml, errors);

        Assert.True(errors.Any);
    }

    [Fact]
    public void ParseFile_TooLarge_IsRefused()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, new string('#', ConfigParser.MaxBytes + 1));
            var errors = new ConfigErrors(path);

            Assert.Null(ConfigParser.ParseFile(path, errors));

            Assert.Contains("larger than 1 MiB", Assert.Single(errors.Errors), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void ParseFile_Missing_IsSaid()
    {
        var errors = new ConfigErrors("/nowhere/f.yaml");

        Assert.Null(ConfigParser.ParseFile("/nowhere/f.yaml", errors));

        Assert.Equal(
            "/nowhere/f.yaml: there is no such file; name one with --config FILE",
            Assert.Single(errors.Errors)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("---\n")]
    [InlineData("{}")]
    public void Parse_Nothing_IsAnEmptyMap(string yaml)
    {
        var errors = new ConfigErrors("f.yaml");

        Assert.Empty(ConfigParser.Parse(yaml, errors)!.Entries);
        Assert.False(errors.Any);
    }

    [Fact]
    public void Parse_ControlCharactersInAKey_AreNotPrinted()
    {
        var (_, errors) = ConfigText.Server("trustDomain: a\n\"x\\e[2Jy\": 1");

        Assert.DoesNotContain('\e', Assert.Single(errors.Errors));
    }
}
