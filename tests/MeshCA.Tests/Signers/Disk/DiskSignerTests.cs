using System.Security.Cryptography;
using MeshCA.Signers;
using MeshCA.Signers.Disk;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Tests.Signers.Disk;

public sealed class DiskSignerTests : SignerContract, IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _directory = Directory.CreateTempSubdirectory("meshca-keys-").FullName;

    private string KeyPath => Path.Combine(_directory, "keys", "root.pem");

    private string PassphrasePath => Path.Combine(_directory, "passphrase");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(KeyType.EcP384, false)]
    [InlineData(KeyType.EcP256, true)]
    [InlineData(KeyType.Rsa2048, true)]
    public async Task Open_Again_HasTheSameKey(KeyType keyType, bool encrypted)
    {
        var passphrase = encrypted ? Write(PassphrasePath, "correct horse\nnot this line\n") : null;
        string keyId;
        await using (var first = await OpenAsync(keyType, passphrase))
        {
            keyId = first.KeyId;
        }

        await using var second = await OpenAsync(keyType, passphrase);

        Assert.Equal(keyId, second.KeyId);
        var text = await File.ReadAllTextAsync(KeyPath, Ct);
        Assert.StartsWith(
            encrypted ? "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" : "-----BEGIN PRIVATE KEY-----\n",
            text
        );
        Assert.Equal(["root.pem"], Directory.GetFiles(Path.GetDirectoryName(KeyPath)!).Select(Path.GetFileName));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyPath));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(KeyPath)!));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead, "0640")]
    [InlineData(UnixFileMode.OtherRead, "0604")]
    [InlineData(UnixFileMode.GroupWrite, "0620")]
    public async Task Open_OthersMayUseTheFile_IsRefusedWithTheRemedy(UnixFileMode others, string mode)
    {
        await using (await OpenAsync(KeyType.EcP256)) { }
        File.SetUnixFileMode(KeyPath, OwnerOnly | others);

        Assert.Equal(
            $"signer root: file {KeyPath} has mode {mode}, so others than its owner may use it; run 'chmod 0600 {KeyPath}', "
                + "and make a new key if it matters who could read it",
            await RefusalAsync(KeyType.EcP256)
        );
    }

    [Fact]
    public async Task Open_OthersMayReadThePassphrase_IsRefused()
    {
        Write(PassphrasePath, "secret");
        File.SetUnixFileMode(PassphrasePath, OwnerOnly | UnixFileMode.OtherRead);

        Assert.Contains(
            $"run 'chmod 0600 {PassphrasePath}'",
            await RefusalAsync(KeyType.EcP256, PassphrasePath),
            StringComparison.Ordinal
        );
        Assert.False(File.Exists(KeyPath));
    }

    [Theory]
    [InlineData(null, "is not there")]
    [InlineData("", "has an empty first line")]
    [InlineData("\nsecret", "has an empty first line")]
    public async Task Open_NoPassphraseInTheFile_IsRefused(string? text, string why)
    {
        if (text is not null)
        {
            Write(PassphrasePath, text);
        }

        Assert.StartsWith(
            $"signer root: passphrase file {PassphrasePath} {why}; ",
            await RefusalAsync(KeyType.EcP256, PassphrasePath),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Open_WrongPassphrase_IsRefusedAndNamesBothFiles()
    {
        await using (await OpenAsync(KeyType.EcP256, Write(PassphrasePath, "one"))) { }
        Write(PassphrasePath, "two");

        Assert.Equal(
            $"signer root: key file {KeyPath} cannot be decrypted: the passphrase in {PassphrasePath} is not its own, "
                + "or the file is damaged",
            await RefusalAsync(KeyType.EcP256, PassphrasePath)
        );
    }

    [Fact]
    public async Task Open_EncryptedAndPassphraseDoNotGoTogether_IsRefused()
    {
        await using (await OpenAsync(KeyType.EcP256)) { }
        Assert.StartsWith(
            $"signer root: key file {KeyPath} is not encrypted although passphraseFile is set; ",
            await RefusalAsync(KeyType.EcP256, Write(PassphrasePath, "one")),
            StringComparison.Ordinal
        );

        File.Delete(KeyPath);
        await using (await OpenAsync(KeyType.EcP256, PassphrasePath)) { }
        Assert.Equal(
            $"signer root: key file {KeyPath} is encrypted and no passphraseFile is set; set passphraseFile",
            await RefusalAsync(KeyType.EcP256)
        );
    }

    [Fact]
    public async Task Open_OtherKeyType_IsRefused()
    {
        await using (await OpenAsync(KeyType.EcP256)) { }

        Assert.StartsWith(
            $"signer root: key file {KeyPath} holds a key of type EcP256 and authority.keyType asks for EcP384; ",
            await RefusalAsync(KeyType.EcP384),
            StringComparison.Ordinal
        );
    }

    public static TheoryData<string, string> BadFiles =>
        new()
        {
            { "", "is not PEM" },
            { "not a key", "is not PEM" },
            { "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "is damaged" },
            { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged" },
            { "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "is damaged" },
            { "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n", "and not PKCS#8; convert it" },
            {
                // RFC 8410 section 10.3.
                "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
                "holds a key of algorithm 1.3.101.112, which is neither EC nor RSA"
            },
            { new string('x', 70_000), "is larger than 65536 bytes" },
        };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public async Task Open_NotAKey_IsRefusedAndLeftAsItIs(string text, string why)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        Write(KeyPath, text);

        Assert.Contains(why, await RefusalAsync(KeyType.EcP256), StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(KeyPath, Ct));
    }

    [Fact]
    public async Task Open_CurveThatNoAuthorityHas_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        Write(KeyPath, key.ExportPkcs8PrivateKeyPem());

        Assert.Equal(
            $"signer root: key file {KeyPath}: an EC key of curve 1.3.132.0.35 cannot be a CA key; use EC P-256 or P-384, "
                + "or RSA of 2048, 3072 or 4096 bits",
            await RefusalAsync(KeyType.EcP256)
        );
    }

    [Fact]
    public async Task Open_DirectoryCannotBeMade_IsRefused()
    {
        Write(Path.Combine(_directory, "keys"), "a file");

        Assert.StartsWith(
            $"signer root: key file {KeyPath} cannot be read or made: ",
            await RefusalAsync(KeyType.EcP256),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task EncryptedFile_IsPbes2WithAes256AndManyIterations()
    {
        await using (await OpenAsync(KeyType.EcP256, Write(PassphrasePath, "secret"))) { }
        var text = await File.ReadAllTextAsync(KeyPath, Ct);
        var der = Convert.ToHexString(Convert.FromBase64String(text[PemEncoding.Find(text).Base64Data]));

        // RFC 8018: PBES2, PBKDF2, 600,000 iterations, aes256-CBC.
        Assert.Contains("06092A864886F70D01050D", der, StringComparison.Ordinal);
        Assert.Contains("06092A864886F70D01050C", der, StringComparison.Ordinal);
        Assert.Contains("02030927C0", der, StringComparison.Ordinal);
        Assert.Contains("060960864801650304012A", der, StringComparison.Ordinal);
    }

    protected override Task<ISigner> OpenAsync(string name, KeyType keyType) => OpenAsync(keyType);

    private static string Write(string path, string text)
    {
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, OwnerOnly);
        return path;
    }

    private Task<ISigner> OpenAsync(KeyType keyType, string? passphraseFile = null) =>
        SignerFactory.OpenAsync(
            new DiskSignerOptions
            {
                Name = "root",
                Path = KeyPath,
                PassphraseFile = passphraseFile,
            },
            keyType,
            NullLoggerFactory.Instance,
            Ct
        );

    private async Task<string> RefusalAsync(KeyType keyType, string? passphraseFile = null)
    {
        var error = await Assert.ThrowsAsync<MeshCaException>(() => OpenAsync(keyType, passphraseFile));
        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        return error.Message;
    }
}
