using System.Buffers;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance.Lint;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>One batch on its way to certificates. Several threads work on it, each on items of its own.</summary>
internal sealed class IssuanceBatch : IDisposable
{
    /// <summary>Below this it costs more to hand work to another core than to do it.</summary>
    private const int MinItemsPerPart = 16;

    private readonly Item[] _items;
    private readonly IssuanceRecord[] _records;
    private readonly Slabs[] _slabs;

    public IssuanceBatch(IssuingAuthority authority, DateTimeOffset issuedAt, int count)
    {
        Authority = authority;
        IssuedAt = issuedAt;
        Outcomes = new IssuanceOutcome[count];
        _items = ArrayPool<Item>.Shared.Rent(count);
        _records = ArrayPool<IssuanceRecord>.Shared.Rent(count);
        _slabs = new Slabs[Math.Clamp(count / MinItemsPerPart, 1, Environment.ProcessorCount)];
        for (var i = 0; i < _slabs.Length; i++)
        {
            _slabs[i] = new Slabs();
        }
    }

    public IssuingAuthority Authority { get; }

    public DateTimeOffset IssuedAt { get; }

    public IssuanceOutcome[] Outcomes { get; }

    public Span<Item> Items => _items.AsSpan(0, Outcomes.Length);

    public void Refuse(int i, MeshCaException error) => Outcomes[i] = IssuanceOutcome.Refused(error);

    /// <summary>It was audited as about to be signed: so it is audited as not signed too.</summary>
    public void Fail(int i, MeshCaException error)
    {
        _items[i].Record = _items[i].Record with { Failure = error.Message };
        Refuse(i, error);
    }

    /// <summary>Runs <paramref name="work"/> over all items, on as many cores as the batch is worth.</summary>
    public Task ForEachPartAsync(Func<int, int, Slabs, Task> work)
    {
        if (_slabs.Length == 1)
        {
            return work(0, Outcomes.Length, _slabs[0]);
        }

        var parts = new Task[_slabs.Length];
        for (var part = parts.Length - 1; part > 0; part--)
        {
            var (from, to, slabs) = (StartOf(part), StartOf(part + 1), _slabs[part]);
            parts[part] = Task.Run(() => work(from, to, slabs));
        }

        parts[0] = work(0, StartOf(1), _slabs[0]);
        return Task.WhenAll(parts);
    }

    /// <summary>The records of the items that passed the linter.</summary>
    public ReadOnlyMemory<IssuanceRecord> CollectRecords()
    {
        var count = 0;
        foreach (ref readonly var item in Items)
        {
            if (item.Token is not null)
            {
                _records[count++] = item.Record;
            }
        }

        return _records.AsMemory(0, count);
    }

    public void Abandon()
    {
        foreach (var slabs in _slabs)
        {
            slabs.Abandon();
        }
    }

    public void Dispose()
    {
        ArrayPool<Item>.Shared.Return(_items, clearArray: true);
        ArrayPool<IssuanceRecord>.Shared.Return(_records, clearArray: true);
        foreach (var slabs in _slabs)
        {
            slabs.Dispose();
        }
    }

    private int StartOf(int part) => (int)((long)Outcomes.Length * part / _slabs.Length);

    /// <summary>One order. Without a token it was refused.</summary>
    internal struct Item
    {
        public LintedTbs? Token;
        public ReadOnlyMemory<byte> Tbs;
        public IssuanceRecord Record;
    }
}
