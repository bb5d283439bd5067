using MeshCA.Signers.Local;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Signers.Disk;

/// <summary>Signs with a key that is read once from a PKCS#8 file, which is made if it is not there.</summary>
public sealed partial class DiskSigner : LocalSigner
{
    private DiskSigner(string name, LocalKey key)
        : base(name, key) { }

    /// <summary>Reads the key, or makes one of <paramref name="keyType"/> where there is no file.</summary>
    /// <exception cref="MeshCaException">FailedPrecondition: why the file cannot be used, and what to do.</exception>
    public static async Task<DiskSigner> OpenAsync(
        DiskSignerOptions options,
        KeyType keyType,
        ILogger<DiskSigner> logger,
        CancellationToken ct
    )
    {
        try
        {
            return await OpenFileAsync(options, keyType, logger, ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"signer {options.Name}: key file {options.Path} cannot be read or made: {e.Message}; "
                    + "make its directory one that this user may write, or set another path",
                e
            );
        }
    }

    private static async Task<DiskSigner> OpenFileAsync(
        DiskSignerOptions options,
        KeyType keyType,
        ILogger logger,
        CancellationToken ct
    )
    {
        var passphrase = options.PassphraseFile is { } file
            ? await KeyFile.ReadPassphraseAsync(options.Name, file, ct)
            : null;
        var key = await KeyFile.TryReadAsync(options, passphrase, ct);
        var found = key is not null;
        if (key is null)
        {
            key = LocalKey.Generate(keyType);
            try
            {
                KeyFile.Create(options.Path, key, passphrase);
            }
            catch
            {
                key.Dispose();
                throw;
            }
        }

        if (key.KeyType != keyType)
        {
            var present = key.KeyType;
            key.Dispose();
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"signer {options.Name}: key file {options.Path} holds a key of type {present} and authority.keyType asks "
                    + $"for {keyType}; set authority.keyType to what the file holds, or name a file that is not there yet"
            );
        }

        var signer = new DiskSigner(options.Name, key);
        if (found)
        {
            LogOpened(logger, options.Name, options.Path, signer.KeyId);
        }
        else
        {
            LogCreated(logger, options.Name, options.Path, signer.KeyId);
        }

        return signer;
    }

    [LoggerMessage(LogLevel.Information, "Signer {Signer} opened key file {Path}, key {KeyId}")]
    private static partial void LogOpened(ILogger logger, string signer, string path, string keyId);

    [LoggerMessage(LogLevel.Information, "Signer {Signer} made a new key in {Path}, key {KeyId}")]
    private static partial void LogCreated(ILogger logger, string signer, string path, string keyId);
}
