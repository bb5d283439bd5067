using MeshCA.Ca.Rest;
using Microsoft.Net.Http.Headers;

namespace MeshCA.Tests.Ca.Rest;

public sealed class MediaTypesTests
{
    [Theory]
    [InlineData("", MediaTypes.Json)]
    [InlineData("*/*", MediaTypes.Json)]
    [InlineData("application/*", MediaTypes.Json)]
    [InlineData("application/x-pem-file", MediaTypes.PemFile)]
    [InlineData("application/x-pem-file, */*;q=0.1", MediaTypes.PemFile)]
    [InlineData("application/json;q=0.5, application/pem-certificate-chain", MediaTypes.PemChain)]
    [InlineData("application/json;q=0, */*", MediaTypes.PemChain)]
    [InlineData("text/html, application/json;q=0.1", MediaTypes.Json)]
    public void Negotiate_Accept_PicksTheBestForm(string accept, string form) => Assert.Equal(form, Negotiate(accept));

    [Theory]
    [InlineData("text/html")]
    [InlineData("text/*;q=0.9")]
    [InlineData("application/json;q=0")]
    public void Negotiate_NothingAcceptable_Is406(string accept)
    {
        var error = Assert.Throws<ProblemException>(() => Negotiate(accept));

        Assert.Equal(ProblemKind.NotAcceptable, error.Kind);
    }

    private static string Negotiate(string accept) =>
        MediaTypes.Negotiate(
            MediaTypeHeaderValue.ParseList(accept.Length == 0 ? [] : [accept]),
            [MediaTypes.Json, MediaTypes.PemChain, MediaTypes.PemFile]
        );
}
