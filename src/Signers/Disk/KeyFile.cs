using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using MeshCA.Signers.Local;
using MeshCA.Spiffe;

namespace MeshCA.Signers.Disk;

/// <summary>Reads and makes the files of <see cref="DiskSigner"/>: PKCS#8 in PEM (RFC 7468 sections 10 and 11), for their owner alone.</summary>
internal static class KeyFile
{
    private const string Plain = "PRIVATE KEY";
    private const string Encrypted = "ENCRYPTED PRIVATE KEY";
    private const string Ec = "1.2.840.10045.2.1";
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const int MaxLength = 64 * 1024;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>What PBKDF2-HMAC-SHA256 needs to be slow enough for a guesser (OWASP Password Storage Cheat Sheet, 2023).</summary>
    private static readonly PbeParameters _encryption = new(
        PbeEncryptionAlgorithm.Aes256Cbc,
        HashAlgorithmName.SHA256,
        iterationCount: 600_000
    );

    /// <summary>The first line of the file.</summary>
    public static async Task<string> ReadPassphraseAsync(string signer, string path, CancellationToken ct)
    {
        var text = await TryReadTextAsync(signer, path, ct);
        var passphrase = text?.Split('\n', 2)[0].TrimEnd('\r');
        return !string.IsNullOrEmpty(passphrase)
            ? passphrase
            : throw Refused(
                signer,
                $"passphrase file {path} {(text is null ? "is not there" : "has an empty first line")}; "
                    + "write the passphrase into it, mode 0600, or remove passphraseFile from the configuration"
            );
    }

    /// <summary>Null where the file is not there.</summary>
    public static async Task<LocalKey?> TryReadAsync(
        DiskSignerOptions options,
        string? passphrase,
        CancellationToken ct
    )
    {
        if (await TryReadTextAsync(options.Name, options.Path, ct) is not { } text)
        {
            return null;
        }

        var file = $"key file {options.Path}";
        if (!PemEncoding.TryFind(text, out var block))
        {
            throw Refused(options.Name, $"{file} is not PEM; restore it from a backup, or name another file");
        }

        var label = text[block.Label];
        var der = new byte[block.DecodedDataLength];
        try
        {
            if (!Convert.TryFromBase64String(text[block.Base64Data], der, out _))
            {
                throw new CryptographicException("not base64");
            }

            return (label, passphrase) switch
            {
                (Plain, null) => Adopt(options.Name, file, ImportPlain(options.Name, file, der)),
                (Encrypted, not null) => Adopt(options.Name, file, ImportEncrypted(der, passphrase)),
                (Plain, not null) => throw Refused(
                    options.Name,
                    $"{file} is not encrypted although passphraseFile is set; encrypt it with 'openssl pkcs8 -topk8 "
                        + "-v2 aes-256-cbc -iter 600000', or remove passphraseFile"
                ),
                (Encrypted, null) => throw Refused(
                    options.Name,
                    $"{file} is encrypted and no passphraseFile is set; set passphraseFile"
                ),
                _ => throw Refused(
                    options.Name,
                    $"{file} holds a block '{label}' and not PKCS#8; convert it with 'openssl pkcs8 -topk8 -nocrypt'"
                ),
            };
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            throw Refused(
                options.Name,
                passphrase is null
                    ? $"{file} is damaged: it does not hold a PKCS#8 key; restore it from a backup, or name another file"
                    : $"{file} cannot be decrypted: the passphrase in {options.PassphraseFile} is not its own, or the "
                        + "file is damaged",
                e
            );
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    /// <summary>Whole and on disk, or not at all; never over a file that is there.</summary>
    public static void Create(string path, LocalKey key, string? passphrase)
    {
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        var temporary = $"{path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.tmp";
        var text = Encode(key, passphrase);
        try
        {
            using (
                var file = new FileStream(
                    temporary,
                    new FileStreamOptions
                    {
                        Mode = FileMode.CreateNew,
                        Access = FileAccess.Write,
                        UnixCreateMode = OwnerOnly,
                    }
                )
            )
            {
                file.Write(text);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            File.Delete(temporary);
        }

        // Else a power loss could take the name away and leave the root certificate without its key.
        Native.SyncDirectory(directory);
    }

    private static byte[] Encode(LocalKey key, string? passphrase)
    {
        var der = passphrase is null ? key.Export() : key.Export(passphrase, _encryption);
        try
        {
            var text = PemEncoding.WriteUtf8(passphrase is null ? "PRIVATE KEY"u8 : "ENCRYPTED PRIVATE KEY"u8, der);
            return [.. text, (byte)'\n'];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    private static AsymmetricAlgorithm ImportPlain(string signer, string file, byte[] der)
    {
        // RFC 5958 section 2: version, then the algorithm.
        var reader = new AsnReader(der, AsnEncodingRules.BER).ReadSequence();
        reader.ReadInteger();
        var algorithm = reader.ReadSequence().ReadObjectIdentifier();
        AsymmetricAlgorithm key = algorithm switch
        {
            Ec => ECDsa.Create(),
            Rsa => RSA.Create(),
            _ => throw Refused(
                signer,
                $"{file} holds a key of algorithm {algorithm}, which is neither EC nor RSA; name another file"
            ),
        };
        return Import(key, k => k.ImportPkcs8PrivateKey(der, out _));
    }

    private static AsymmetricAlgorithm ImportEncrypted(byte[] der, string passphrase)
    {
        try
        {
            return Import(ECDsa.Create(), k => k.ImportEncryptedPkcs8PrivateKey(passphrase, der, out _));
        }
        catch (CryptographicException)
        {
            // The algorithm is inside of what is encrypted: RSA is the other one that there is.
            return Import(RSA.Create(), k => k.ImportEncryptedPkcs8PrivateKey(passphrase, der, out _));
        }
    }

    private static AsymmetricAlgorithm Import(AsymmetricAlgorithm key, Action<AsymmetricAlgorithm> import)
    {
        try
        {
            import(key);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static LocalKey Adopt(string signer, string file, AsymmetricAlgorithm key)
    {
        try
        {
            return LocalKey.Adopt(key);
        }
        catch (MeshCaException e)
        {
            throw Refused(signer, $"{file}: {e.Message}", e);
        }
    }

    private static async Task<string?> TryReadTextAsync(string signer, string path, CancellationToken ct)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, useAsync: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        await using (file)
        {
            // A key that others can read is a key that others have: refused rather than warned about.
            var mode = File.GetUnixFileMode(file.SafeFileHandle);
            if ((mode & ~(OwnerOnly | UnixFileMode.UserExecute)) != UnixFileMode.None)
            {
                throw Refused(
                    signer,
                    $"file {path} has mode 0{Convert.ToString((int)mode, 8)}, so others than its owner may use it; "
                        + $"run 'chmod 0600 {path}', and make a new key if it matters who could read it"
                );
            }

            if (file.Length > MaxLength)
            {
                throw Refused(signer, $"file {path} is larger than {MaxLength} bytes; name another file");
            }

            var bytes = new byte[file.Length];
            try
            {
                await file.ReadExactlyAsync(bytes, ct);
                return Encoding.UTF8.GetString(bytes);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(bytes);
            }
        }
    }

    private static MeshCaException Refused(string signer, string why, Exception? inner = null) =>
        new(ErrorKind.FailedPrecondition, $"signer {signer}: {why}", inner);
}
