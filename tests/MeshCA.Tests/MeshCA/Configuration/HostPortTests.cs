using MeshCA.Configuration;

namespace MeshCA.Tests.Configuration;

public sealed class HostPortTests
{
    [Theory]
    [InlineData("127.0.0.1:80", "127.0.0.1", 80)]
    [InlineData("[::1]:80", "::1", 80)]
    [InlineData("ca.example.org:8081", "ca.example.org", 8081)]
    [InlineData("localhost:65535", "localhost", 65535)]
    public void TryParse_Valid_HasBothParts(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, minPort: 1, out var value));

        Assert.Equal((host, port), (value.Host, value.Port));
        Assert.Equal(text, value.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("a")]
    [InlineData("a:")]
    [InlineData("a:0")]
    [InlineData("a:65536")]
    [InlineData("a:-1")]
    [InlineData("a:+1")]
    [InlineData("a: 1")]
    [InlineData("::1:80")]
    [InlineData("[::1]80")]
    [InlineData("[1.2.3.4]:80")]
    [InlineData("[x]:80")]
    [InlineData("127.1:80")]
    [InlineData("1:80")]
    [InlineData("1.2.3.4.5:80")]
    [InlineData("a..b:80")]
    [InlineData("http://a:80")]
    [InlineData("a b:80")]
    public void TryParse_Wrong_IsFalse(string text) => Assert.False(HostPort.TryParse(text, minPort: 1, out _));
}
