using System.Runtime.InteropServices;

namespace MeshCA.Hosting;

/// <summary>Who this process is.</summary>
internal static partial class OwnProcess
{
    /// <summary>The effective one: the one that the kernel notes on a Unix socket.</summary>
    public static uint Uid => GetEffectiveUid();

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUid();
}
