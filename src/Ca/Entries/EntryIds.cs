namespace MeshCA.Ca.Entries;

/// <summary>Makes UUIDv7 that grow, also within one millisecond and when the clock is set back: the oldest entry is the default.</summary>
internal sealed class EntryIds(TimeProvider time)
{
    /// <summary>RFC 9562 section 6.2, method 1: the 12 bits after the version count within a millisecond.</summary>
    private const int MaxCounter = 0xfff;

    private readonly Lock _gate = new();
    private long _millisecond;
    private int _counter;

    /// <summary>Ids made from now on sort after <paramref name="id"/>.</summary>
    public void StartAfter(string id)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (Guid.TryParse(id, out var guid) && guid.TryWriteBytes(bytes, bigEndian: true, out _))
        {
            var millisecond = (long)(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
            lock (_gate)
            {
                _millisecond = Math.Max(_millisecond, millisecond + 1);
                _counter = 0;
            }
        }
    }

    public string Next()
    {
        long millisecond;
        int counter;
        lock (_gate)
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            if (now > _millisecond)
            {
                (_millisecond, _counter) = (now, 0);
            }
            else if (++_counter > MaxCounter)
            {
                (_millisecond, _counter) = (_millisecond + 1, 0);
            }

            (millisecond, counter) = (_millisecond, _counter);
        }

        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(millisecond))
            .TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[6] = (byte)(0x70 | (counter >> 8));
        bytes[7] = (byte)counter;
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
