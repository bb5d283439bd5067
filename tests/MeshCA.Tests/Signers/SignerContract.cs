using System.Security.Cryptography;
using MeshCA.Signers;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Signers;

/// <summary>What holds for every <see cref="ISigner"/>.</summary>
public abstract class SignerContract
{
    public static TheoryData<KeyType> KeyTypes => [.. Enum.GetValues<KeyType>()];

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected abstract Task<ISigner> OpenAsync(string name, KeyType keyType);

    [Theory]
    [MemberData(nameof(KeyTypes))]
    public async Task Sign_EveryKeyType_VerifiesWithThePublicHalf(KeyType keyType)
    {
        await using var signer = await OpenAsync("root", keyType);
        var scheme = SignatureSchemes.DefaultFor(keyType);
        var data = "data"u8.ToArray();

        var signature = await signer.SignAsync(SignatureSchemes.Digest(scheme, data), scheme, Ct);

        Assert.Equal("root", signer.Name);
        Assert.Equal(keyType, signer.KeyType);
        Assert.Equal(64, signer.KeyId.Length);
        Assert.True(SignatureSchemes.Verify(signer.SubjectPublicKeyInfo.Span, scheme, data, signature));
        Assert.False(SignatureSchemes.Verify(signer.SubjectPublicKeyInfo.Span, scheme, "other"u8, signature));
    }

    [Theory]
    [InlineData(KeyType.EcP256)]
    [InlineData(KeyType.Rsa2048)]
    public async Task Sign_FromManyThreads_EverySignatureVerifies(KeyType keyType)
    {
        await using var signer = await OpenAsync("root", keyType);
        var scheme = SignatureSchemes.DefaultFor(keyType);
        var wrong = 0;

        await Parallel.ForAsync(
            0,
            200,
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Ct },
            async (i, ct) =>
            {
                var data = BitConverter.GetBytes(i);
                var signature = await signer.SignAsync(SignatureSchemes.Digest(scheme, data), scheme, ct);
                if (!SignatureSchemes.Verify(signer.SubjectPublicKeyInfo.Span, scheme, data, signature))
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        );

        Assert.Equal(0, wrong);
    }

    [Theory]
    [InlineData(
        KeyType.EcP256,
        SignatureScheme.RsaPkcs1Sha256,
        32,
        "its EcP256 key cannot make a signature of scheme RsaPkcs1Sha256"
    )]
    [InlineData(
        KeyType.Rsa2048,
        SignatureScheme.EcdsaSha256,
        32,
        "its Rsa2048 key cannot make a signature of scheme EcdsaSha256"
    )]
    [InlineData(KeyType.EcP256, SignatureScheme.EcdsaSha256, 31, "a digest for EcdsaSha256 does not have 31 bytes")]
    [InlineData(KeyType.EcP384, SignatureScheme.EcdsaSha384, 32, "a digest for EcdsaSha384 does not have 32 bytes")]
    [InlineData(
        KeyType.Rsa2048,
        SignatureScheme.RsaPkcs1Sha256,
        0,
        "a digest for RsaPkcs1Sha256 does not have 0 bytes"
    )]
    public async Task Sign_SchemeOrDigestDoesNotFit_IsRefused(
        KeyType keyType,
        SignatureScheme scheme,
        int digestLength,
        string why
    )
    {
        await using var signer = await OpenAsync("root", keyType);

        var error = await Assert.ThrowsAsync<MeshCaException>(async () =>
            await signer.SignAsync(new byte[digestLength], scheme, Ct)
        );

        Assert.Equal(ErrorKind.Malformed, error.Kind);
        Assert.Equal($"signer root refuses to sign: {why}", error.Message);
    }

    [Fact]
    public async Task Sign_Cancelled_Throws()
    {
        await using var signer = await OpenAsync("root", KeyType.EcP256);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await signer.SignAsync(new byte[32], SignatureScheme.EcdsaSha256, new CancellationToken(canceled: true))
        );
    }

    [Fact]
    public async Task Sign_AfterDispose_IsUnavailable()
    {
        var signer = await OpenAsync("root", KeyType.EcP256);
        await signer.DisposeAsync();

        var error = await Assert.ThrowsAsync<MeshCaException>(async () =>
            await signer.SignAsync(new byte[32], SignatureScheme.EcdsaSha256, Ct)
        );

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    [Fact]
    public async Task Ecdsa_Signature_IsDer()
    {
        await using var signer = await OpenAsync("root", KeyType.EcP256);

        var signature = await signer.SignAsync(SHA256.HashData("x"u8), SignatureScheme.EcdsaSha256, Ct);

        Assert.Equal(0x30, signature[0]);
        Assert.Equal(signature.Length - 2, signature[1]);
    }

    [Fact]
    public async Task CheckHealth_KeyIsThere_IsHealthyAndPrintsNoKey()
    {
        await using var signer = await OpenAsync("root", KeyType.EcP256);

        var health = await signer.CheckHealthAsync(Ct);

        Assert.True(health.Healthy);
        Assert.Equal($"root (EcP256, {signer.KeyId})", signer.ToString());
    }
}
