using MeshCA.Signers.Disk;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Signers;

/// <summary>Opens signers of every kind. A new kind is a folder, an options record and a line here.</summary>
public static class SignerFactory
{
    /// <summary>Opens the key, or makes one of <paramref name="keyType"/> where the kind does that.</summary>
    /// <exception cref="MeshCaException">FailedPrecondition: what is wrong with the key; Unavailable: trying again may help.</exception>
    public static async Task<ISigner> OpenAsync(
        SignerOptions options,
        KeyType keyType,
        ILoggerFactory loggers,
        CancellationToken ct
    ) =>
        options switch
        {
            MemorySignerOptions => MemorySigner.Create(options.Name, keyType),
            DiskSignerOptions disk => await DiskSigner.OpenAsync(disk, keyType, loggers.CreateLogger<DiskSigner>(), ct),
            _ => throw new MeshCaException(
                ErrorKind.Unimplemented,
                $"signer {options.Name}: kind {options.Kind} is not known to this version"
            ),
        };
}
