using System.Collections.Frozen;
using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>All selectors of a process. Equal by content, whatever the order.</summary>
internal sealed class SelectorSet : IEquatable<SelectorSet>
{
    private readonly FrozenSet<Selector> _set;
    private readonly string _key;

    public SelectorSet(IEnumerable<Selector> selectors)
    {
        _set = selectors.ToFrozenSet();
        Sorted = [.. _set.Order()];
        _key = string.Join('\n', Sorted);
    }

    public ImmutableArray<Selector> Sorted { get; }

    /// <summary>True if an entry with these selectors is for this process.</summary>
    public bool Covers(ImmutableArray<Selector> selectors)
    {
        foreach (var selector in selectors)
        {
            if (!_set.Contains(selector))
            {
                return false;
            }
        }

        return true;
    }

    public bool Equals(SelectorSet? other) => other is not null && _key == other._key;

    public override bool Equals(object? obj) => Equals(obj as SelectorSet);

    public override int GetHashCode() => _key.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => string.Join(", ", Sorted);
}
