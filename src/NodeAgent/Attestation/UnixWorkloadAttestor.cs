using System.Globalization;
using MeshCA.NodeAgent.Peers;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>
/// Selectors of type <c>unix</c>: uid, user, gid, group, supplementary_gid, supplementary_group as of the connect, path and
/// sha256 of the executable.
/// </summary>
internal sealed partial class UnixWorkloadAttestor(TimeProvider time, ILogger<UnixWorkloadAttestor> logger)
    : IWorkloadAttestor,
        IDisposable
{
    private readonly AccountNames _names = new(time);
    private readonly ExeDigests _digests = new();

    private bool _warnedOfAccess;
    private bool _warnedOfSize;

    public async ValueTask AttestAsync(Peer peer, ICollection<Selector> selectors, CancellationToken ct)
    {
        var credentials = peer.Credentials;
        Add(selectors, "uid", Text(credentials.Uid));
        Add(selectors, "user", _names.UserName(credentials.Uid));
        Add(selectors, "gid", Text(credentials.Gid));
        Add(selectors, "group", _names.GroupName(credentials.Gid));
        foreach (var gid in credentials.SupplementaryGids)
        {
            Add(selectors, "supplementary_gid", Text(gid));
            Add(selectors, "supplementary_group", _names.GroupName(gid));
        }

        await AddExeAsync(peer, selectors, ct);
    }

    private async ValueTask AddExeAsync(Peer peer, ICollection<Selector> selectors, CancellationToken ct)
    {
        if (FileIdentity.Of(peer.EncodedExePath, out var error) is not { } exe)
        {
            // An agent that is neither root nor has CAP_SYS_PTRACE sees only its own uid's executables. The other
            // selectors stand: an entry that names a path just does not match.
            if (error is Native.EAcces or 1 && !Interlocked.Exchange(ref _warnedOfAccess, true))
            {
                LogNoAccess(peer.Credentials.Uid);
            }

            return;
        }

        // A process in a mount namespace of its own can call its executable what it likes: a path counts only if it is
        // the same file for us. For one that was deleted or replaced, the kernel's text ends in " (deleted)" and fails too.
        if (
            File.ResolveLinkTarget(peer.ExePath, returnFinalTarget: false)?.FullName is { } path
            && FileIdentity.Of(FileIdentity.EncodePath(path), out _) is { } there
            && there.IsSameFile(exe)
        )
        {
            Add(selectors, "path", path);
        }

        Add(selectors, "sha256", await _digests.FindAsync(peer.ExePath, exe, time, ct));
        if (exe.Size > ExeDigests.MaxSize && !Interlocked.Exchange(ref _warnedOfSize, true))
        {
            LogTooLarge(peer.ExePath, exe.Size, ExeDigests.MaxSize);
        }
    }

    public void Dispose() => _digests.Dispose();

    /// <summary>Absent or unprintable: no selector.</summary>
    private static void Add(ICollection<Selector> selectors, string name, string? value)
    {
        if (value is not null && Selector.TryParse($"unix:{name}:{value}", out var selector))
        {
            selectors.Add(selector);
        }
    }

    private static string Text(uint value) => value.ToString(CultureInfo.InvariantCulture);

    [LoggerMessage(
        LogLevel.Warning,
        "May not look at the executables of uid {Uid}: its processes get no path and sha256 selectors; run the agent as root or with CAP_SYS_PTRACE"
    )]
    private partial void LogNoAccess(uint uid);

    [LoggerMessage(LogLevel.Warning, "{Path} has {Size} bytes, more than {MaxSize}: no sha256 selector")]
    private partial void LogTooLarge(string path, ulong size, ulong maxSize);
}
