using System.Collections.Immutable;
using System.Numerics;

namespace MeshCA.Sds.Resources;

/// <summary>What a stream asked for. Streams of one feed with equal keys share one view.</summary>
internal sealed class ViewKey : IEquatable<ViewKey>
{
    private readonly int _hash;

    public ViewKey(bool everything, IEnumerable<string> names, bool plainRoots)
    {
        Everything = everything;
        PlainRoots = plainRoots;
        Names = [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var hash = new HashCode();
        hash.Add(everything);
        hash.Add(plainRoots);
        foreach (var name in Names)
        {
            hash.Add(name, StringComparer.Ordinal);
        }

        _hash = hash.ToHashCode();
    }

    /// <summary>All that there is, under its proper names; aliases only as far as <see cref="Names"/> has them.</summary>
    public bool Everything { get; }

    /// <summary>Sorted, none twice.</summary>
    public ImmutableArray<string> Names { get; }

    /// <summary>Roots as trusted_ca, for an Envoy that does not have or want the SPIFFE validator.</summary>
    public bool PlainRoots { get; }

    public bool IsEmpty => !Everything && Names.IsEmpty;

    public bool Wants(string name) => Everything || Names.BinarySearch(name, StringComparer.Ordinal) >= 0;

    /// <summary>
    /// True if a request names just this key's names. A quick answer for the usual request, an ACK: false for more than
    /// 64 names, or for one named twice, says nothing.
    /// </summary>
    public bool SurelyNamedBy(IReadOnlyList<string> names)
    {
        if (names.Count != Names.Length || names.Count > 64)
        {
            return false;
        }

        var seen = 0UL;
        for (var i = 0; i < names.Count; i++)
        {
            var index = Names.BinarySearch(names[i], StringComparer.Ordinal);
            if (index < 0)
            {
                return false;
            }

            seen |= 1UL << index;
        }

        return BitOperations.PopCount(seen) == Names.Length;
    }

    public bool Equals(ViewKey? other) =>
        other is not null
        && _hash == other._hash
        && Everything == other.Everything
        && PlainRoots == other.PlainRoots
        && Names.AsSpan().SequenceEqual(other.Names.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as ViewKey);

    public override int GetHashCode() => _hash;
}
