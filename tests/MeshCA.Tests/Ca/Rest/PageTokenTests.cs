using MeshCA.Ca.Rest;

namespace MeshCA.Tests.Ca.Rest;

public sealed class PageTokenTests
{
    private const string List = "/v1/entries?spiffeId=&selector=";

    [Theory]
    [InlineData("k")]
    [InlineData("019c9d3a-0000-7000-8000-000000000000")]
    [InlineData("ключ/ключ")]
    public void Read_OwnToken_GivesTheKeyBack(string key)
    {
        var token = PageToken.Make(List, key);

        Assert.Equal(key, PageToken.Read(List, token));
        Assert.Matches("^[A-Za-z0-9_-]+$", token);
    }

    [Fact]
    public void Read_TokenOfAnotherList_IsRefused() =>
        Assert.Null(PageToken.Read("/v1/agents", PageToken.Make(List, "k")));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("!!!!")]
    [InlineData("AAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAA")]
    [InlineData("не токен")]
    public void Read_Rubbish_IsRefused(string token) => Assert.Null(PageToken.Read(List, token));

    [Fact]
    public void Read_AnyCharacterChanged_IsRefused()
    {
        var token = PageToken.Make(List, "019c9d3a-0000-7000-8000-000000000000");

        for (var i = 0; i < token.Length - 1; i++)
        {
            var changed = token.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.Null(PageToken.Read(List, new string(changed)));
        }
    }
}
