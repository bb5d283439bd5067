using MeshCA.Sds.Streams;

namespace MeshCA.Tests.Sds;

public sealed class NackTextTests
{
    private const string Rest = "(the rest is dropped: it may hold secrets)";

    [Theory]
    [InlineData("", "")]
    [InlineData("Failed to load private key from <inline>", "Failed to load private key from <inline>")]
    [InlineData("a\r\nb\u0000c\u001b[31m\u2028d", "a  b c [31m d")]
    [InlineData("bad (goo.gle/debugstr name: \"x\")", "bad (" + Rest)]
    [InlineData("bad -----BEGIN PRIVATE KEY-----\nMIGH", "bad " + Rest)]
    [InlineData("bad -----begin EC PRIVATE KEY-----", "bad " + Rest)]
    [InlineData("bad private_key { inline_bytes: \"x\" }", "bad " + Rest)]
    [InlineData("bad MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA", "bad " + Rest)]
    public void Scrub_Reason_HoldsNoSecretAndNoControlCharacter(string reason, string expected) =>
        Assert.Equal(expected, NackText.Scrub(reason));

    [Fact]
    public void Scrub_LongReason_IsCut() =>
        Assert.Equal(NackText.MaxLength, NackText.Scrub(new string(' ', 100_000)).Length);
}
