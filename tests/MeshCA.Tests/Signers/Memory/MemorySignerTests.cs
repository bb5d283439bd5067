using MeshCA.Signers;
using MeshCA.Signers.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Tests.Signers.Memory;

public sealed class MemorySignerTests : SignerContract
{
    [Fact]
    public async Task Open_Twice_MakesTwoKeys()
    {
        await using var first = await OpenAsync("root", KeyType.EcP256);
        await using var second = await OpenAsync("root", KeyType.EcP256);

        Assert.NotEqual(first.KeyId, second.KeyId);
    }

    protected override Task<ISigner> OpenAsync(string name, KeyType keyType) =>
        SignerFactory.OpenAsync(new MemorySignerOptions { Name = name }, keyType, NullLoggerFactory.Instance, Ct);
}
