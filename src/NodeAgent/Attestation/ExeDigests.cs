using System.Collections.Concurrent;
using System.Security.Cryptography;
using MeshCA.NodeAgent.Peers;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>SHA-256 of executables, each read once: a running executable cannot be written to (ETXTBSY).</summary>
internal sealed class ExeDigests : IDisposable
{
    /// <summary>Reading more than this for a stranger is an attack on the disk. Envoy has about 0.2 GB.</summary>
    public const ulong MaxSize = 1UL << 30;

    private const int MaxRemembered = 1_024;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<FileIdentity, Task<string?>> _digests = [];

    /// <summary>One at a time, so that many strangers cannot saturate the disk.</summary>
    private readonly SemaphoreSlim _reading = new(1);

    /// <summary>Lower-case hex; null if the file is too large or changed while it was read.</summary>
    public async ValueTask<string?> FindAsync(string exePath, FileIdentity exe, TimeProvider time, CancellationToken ct)
    {
        if (exe.Size > MaxSize)
        {
            return null;
        }

        if (_digests.TryGetValue(exe, out var known))
        {
            return await known.WaitAsync(_timeout, time, ct);
        }

        if (_digests.Count >= MaxRemembered)
        {
            _digests.Clear();
        }

        var digest = _digests.GetOrAdd(
            exe,
            static (key, a) => a.Self.ReadAsync(a.Path, key),
            (Self: this, Path: exePath)
        );
        try
        {
            return await digest.WaitAsync(_timeout, time, ct);
        }
        catch (Exception) when (digest.IsFaulted)
        {
            // Not remembered: the next caller tries again.
            _digests.TryRemove(KeyValuePair.Create(exe, digest));
            throw;
        }
    }

    public void Dispose() => _reading.Dispose();

    private async Task<string?> ReadAsync(string exePath, FileIdentity exe)
    {
        await _reading.WaitAsync(CancellationToken.None);
        try
        {
            await using var file = new FileStream(
                exePath,
                new FileStreamOptions
                {
                    Share = FileShare.ReadWrite | FileShare.Delete,
                    Options = FileOptions.SequentialScan | FileOptions.Asynchronous,
                    BufferSize = 1 << 18,
                }
            );
            var before = FileIdentity.Of(file.SafeFileHandle, out _);
            var digest = await SHA256.HashDataAsync(file, CancellationToken.None);
            var after = FileIdentity.Of(file.SafeFileHandle, out _);
            return before == exe && after == exe ? Convert.ToHexStringLower(digest) : null;
        }
        finally
        {
            _reading.Release();
        }
    }
}
