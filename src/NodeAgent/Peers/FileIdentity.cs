using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MeshCA.NodeAgent.Peers;

/// <summary>Tells whether two looks saw the same file with the same content: nobody can set ctime back.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileIdentity(
    uint DeviceMajor,
    uint DeviceMinor,
    ulong Inode,
    ulong Size,
    long ModifiedSeconds,
    uint ModifiedNanoseconds,
    long ChangedSeconds,
    uint ChangedNanoseconds
)
{
    private const int TypeMask = 0xF000;
    private const int TypeSocket = 0xC000;
    private const int TypeLink = 0xA000;

    /// <summary>NUL-terminated UTF-8, made once for paths that are looked at often.</summary>
    public static byte[] EncodePath(string path) => Encoding.UTF8.GetBytes(path + '\0');

    /// <summary>Null with the errno if there is no such file or it may not be looked at.</summary>
    public static unsafe FileIdentity? Of(byte[] encodedPath, out int error)
    {
        fixed (byte* path = encodedPath)
        {
            return Read(Native.AtCurrentDirectory, path, 0, out _, out error);
        }
    }

    public static unsafe FileIdentity? Of(SafeFileHandle handle, out int error)
    {
        byte empty = 0;
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            return Read((int)handle.DangerousGetHandle(), &empty, Native.AtEmptyPath, out _, out error);
        }
        finally
        {
            if (added)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>What lies at <paramref name="path"/> itself; a link is not followed.</summary>
    public static unsafe FileKind KindOf(string path)
    {
        fixed (byte* encoded = EncodePath(path))
        {
            if (Read(Native.AtCurrentDirectory, encoded, Native.AtSymlinkNoFollow, out var mode, out var error) is null)
            {
                return error == Native.ENoEnt
                    ? FileKind.None
                    : throw new IOException($"{path} cannot be looked at: {Marshal.GetPInvokeErrorMessage(error)}");
            }

            return (mode & TypeMask) switch
            {
                TypeSocket => FileKind.Socket,
                TypeLink => FileKind.Link,
                _ => FileKind.Other,
            };
        }
    }

    public bool IsSameFile(FileIdentity other) =>
        (DeviceMajor, DeviceMinor, Inode) == (other.DeviceMajor, other.DeviceMinor, other.Inode);

    private static unsafe FileIdentity? Read(int directory, byte* path, int flags, out ushort mode, out int error)
    {
        Native.StatxBuffer s;
        if (Native.Statx(directory, path, flags, Native.StatxBasicStats, &s) != 0)
        {
            mode = 0;
            error = Marshal.GetLastPInvokeError();
            return null;
        }

        mode = s.Mode;
        error = 0;
        return new(
            s.DeviceMajor,
            s.DeviceMinor,
            s.Inode,
            s.Size,
            s.ModifiedSeconds,
            s.ModifiedNanoseconds,
            s.ChangedSeconds,
            s.ChangedNanoseconds
        );
    }
}
