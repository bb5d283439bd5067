using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MeshCA.Signers.Disk;

/// <summary>What the BCL does not offer of libc.</summary>
internal static partial class Native
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;

    /// <summary>Brings the names in a directory to the disk; .NET opens no directories.</summary>
    public static void SyncDirectory(string path)
    {
        using var directory = new SafeFileHandle(Open(path, ReadOnly | CloseOnExec), ownsHandle: true);
        if (directory.IsInvalid || FSync(directory) != 0)
        {
            throw new IOException($"directory {path} cannot be synchronized: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FSync(SafeFileHandle fd);
}
