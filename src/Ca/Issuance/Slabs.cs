using System.Buffers;

namespace MeshCA.Ca.Issuance;

/// <summary>Memory for one part of a batch, from the shared pool, given out piece by piece. Used by one thread at a time.</summary>
internal sealed class Slabs : IDisposable
{
    private const int SlabLength = 64 * 1024;

    private readonly List<byte[]> _slabs = new(2);
    private int _used = SlabLength;
    private volatile bool _abandoned;

    public Memory<byte> Take(int length)
    {
        if (_used + length > SlabLength)
        {
            _slabs.Add(ArrayPool<byte>.Shared.Rent(Math.Max(length, SlabLength)));
            _used = 0;
        }

        var piece = _slabs[^1].AsMemory(_used, length);
        // A piece larger than a slab has one of its own, and is its last.
        _used += length;
        return piece;
    }

    /// <summary>Someone may still read it: a signer that did not answer in time. Then the pool never sees it again.</summary>
    public void Abandon() => _abandoned = true;

    public void Dispose()
    {
        if (!_abandoned)
        {
            foreach (var slab in _slabs)
            {
                ArrayPool<byte>.Shared.Return(slab);
            }
        }

        _slabs.Clear();
        _used = SlabLength;
    }
}
