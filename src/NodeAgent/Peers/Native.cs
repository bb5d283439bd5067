using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MeshCA.NodeAgent.Peers;

/// <summary>What the BCL does not offer of libc.</summary>
internal static partial class Native
{
    public const int AtCurrentDirectory = -100;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtEmptyPath = 0x1000;
    public const uint StatxBasicStats = 0x7ff;

    public const int ENoEnt = 2;
    public const int ESrch = 3;
    public const int EAcces = 13;
    public const int ERange = 34;
    public const int ENoSys = 38;

    private const int SysPidfdOpen = 434;

    /// <summary>O_RDONLY | O_CLOEXEC.</summary>
    private const int OpenReadOnlyDirectory = 0x80000;
    private const short PollIn = 1;

    /// <summary>A descriptor of the process, or null with the error; a kernel before 5.3 answers ENOSYS.</summary>
    public static SafeFileHandle? OpenPidfd(int pid, out int error)
    {
        var fd = SysCall(SysPidfdOpen, pid, 0);
        error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        return fd < 0 ? null : new SafeFileHandle((nint)fd, ownsHandle: true);
    }

    /// <summary>A pidfd becomes readable when its process has ended (pidfd_open(2)).</summary>
    public static unsafe bool IsReadable(SafeFileHandle handle)
    {
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            var poll = new PollFd { Fd = (int)handle.DangerousGetHandle(), Events = PollIn };
            return Poll(&poll, 1, 0) != 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        finally
        {
            if (added)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>Makes a rename in it survive a power loss (fsync(2)).</summary>
    public static void SyncDirectory(string path)
    {
        var fd = Open(path, OpenReadOnlyDirectory);
        if (fd < 0)
        {
            throw new IOException($"{path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        using var handle = new SafeFileHandle(fd, ownsHandle: true);
        if (Fsync(handle) != 0)
        {
            throw new IOException($"{path} cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static unsafe partial int Statx(int directory, byte* path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    public static unsafe partial int GetPasswd(uint uid, void* entry, byte* buffer, nint length, nint* result);

    [LibraryImport("libc", EntryPoint = "getgrgid_r")]
    public static unsafe partial int GetGroup(uint gid, void* entry, byte* buffer, nint length, nint* result);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SysCall(long number, long first, long second);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static unsafe partial int Poll(PollFd* fds, ulong count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Revents;
    }

    /// <summary>struct statx of the kernel's ABI, the fields we read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatxBuffer
    {
        [FieldOffset(16)]
        public uint LinkCount;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(96)]
        public long ChangedSeconds;

        [FieldOffset(104)]
        public uint ChangedNanoseconds;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
