namespace MeshCA.Sds.Streams;

/// <summary>Adds up what the streams report.</summary>
internal sealed class SdsStatusBuilder
{
    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal);

    public void Add(string name, bool acked, Nack? refusal)
    {
        if (!_rows.TryGetValue(name, out var row))
        {
            _rows[name] = row = new Row();
        }

        row.Streams++;
        row.Acked += acked ? 1 : 0;
        row.Nacked += refusal is null ? 0 : 1;
        row.Newest = refusal is not null && refusal.Sequence > (row.Newest?.Sequence ?? 0) ? refusal : row.Newest;
    }

    public SdsStatus Build() =>
        new([
            .. _rows
                .OrderBy(r => r.Key, StringComparer.Ordinal)
                .Select(r => new SdsSubscription(
                    r.Key,
                    r.Value.Streams,
                    r.Value.Acked,
                    r.Value.Nacked,
                    r.Value.Newest?.Reason ?? ""
                )),
        ]);

    private sealed class Row
    {
        public int Streams { get; set; }

        public int Acked { get; set; }

        public int Nacked { get; set; }

        public Nack? Newest { get; set; }
    }
}
