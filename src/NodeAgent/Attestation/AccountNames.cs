using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using MeshCA.NodeAgent.Peers;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>Names of uids and gids as the system's name service knows them, remembered for a minute (it may be a network call).</summary>
internal sealed class AccountNames(TimeProvider time)
{
    private const int MaxRemembered = 4_096;
    private const int MaxBuffer = 1 << 20;

    private static readonly TimeSpan _keep = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(bool IsGroup, uint Id), Remembered> _names = [];

    private unsafe delegate int Lookup(uint id, void* entry, byte* buffer, nint length, nint* result);

    public string? UserName(uint uid) => Find((false, uid));

    public string? GroupName(uint gid) => Find((true, gid));

    private string? Find((bool IsGroup, uint Id) key)
    {
        var now = time.GetTimestamp();
        if (_names.TryGetValue(key, out var known) && time.GetElapsedTime(known.At, now) < _keep)
        {
            return known.Name;
        }

        if (_names.Count >= MaxRemembered)
        {
            _names.Clear();
        }

        var name = Ask(key.IsGroup, key.Id);
        _names[key] = new(name, now);
        return name;
    }

    /// <summary>The first member of both struct passwd and struct group is the name; the buffer holds what it points to.</summary>
    private static unsafe string? Ask(bool isGroup, uint id)
    {
        Lookup lookup = isGroup ? Native.GetGroup : Native.GetPasswd;
        var entry = stackalloc nint[16];
        for (var length = 1_024; length <= MaxBuffer; length *= 4)
        {
            var buffer = new byte[length];
            fixed (byte* pinned = buffer)
            {
                nint result;
                var error = lookup(id, entry, pinned, length, &result);
                if (error == Native.ERange)
                {
                    continue;
                }

                if (error != 0 || result == 0)
                {
                    return null;
                }

                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry[0]);
                return name.IsEmpty ? null : Encoding.UTF8.GetString(name);
            }
        }

        return null;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Remembered(string? Name, long At);
}
