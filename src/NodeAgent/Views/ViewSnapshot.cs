using System.Collections.Immutable;
using MeshCA.NodeAgent.WorkloadApi;
using MeshCA.Sds;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Views;

/// <summary>All that a workload is given at one instant. Immutable.</summary>
internal sealed class ViewSnapshot
{
    private SecretSnapshot? _secrets;
    private int _x509Length;

    /// <summary>A timestamp of the time provider.</summary>
    public required long MadeAt { get; init; }

    /// <summary>How many entries are for this workload, whether or not their SVIDs are there.</summary>
    public required int EntryCount { get; init; }

    /// <summary>How many SVIDs are on their way.</summary>
    public required int PendingCount { get; init; }

    /// <summary>True once all SVIDs are there, or enough time was given to them: before, nobody is told anything.</summary>
    public required bool IsReady { get; init; }

    /// <summary>One for each SPIFFE ID, in the order of the entries' ids.</summary>
    public required ImmutableArray<ViewIdentity> Identities { get; init; }

    /// <summary>Without those whose hint an older entry has already (the Workload API wants hints unique).</summary>
    public required ImmutableArray<ViewIdentity> HintedIdentities { get; init; }

    /// <summary>Those without a valid SVID.</summary>
    public required ImmutableArray<SpiffeId> Awaited { get; init; }

    public required bool DefaultAwaited { get; init; }

    public required ServedBundle Bundle { get; init; }

    /// <summary>Sorted by trust domain name.</summary>
    public required ImmutableArray<ServedBundle> FederatedBundles { get; init; }

    /// <summary>When the first of the identities ends.</summary>
    public required DateTimeOffset EarliestNotAfter { get; init; }

    /// <summary>The same for SDS; made when an Envoy first asks.</summary>
    public SecretSnapshot Secrets =>
        _secrets ??= new()
        {
            Identities = [.. Identities.Select(static i => i.Svid.ToTlsIdentity())],
            Bundle = Bundle.Bundle,
            FederatedBundles = [.. FederatedBundles.Select(static b => b.Bundle)],
            Awaited = Awaited,
            DefaultAwaited = DefaultAwaited,
        };

    /// <summary>Bytes of the FetchX509SVID message.</summary>
    public int X509Length => _x509Length > 0 ? _x509Length : _x509Length = X509SvidMessage.Measure(this);

    /// <summary>True if a Workload API client that has <paramref name="other"/> would learn nothing new.</summary>
    public bool HasSameX509(ViewSnapshot? other) =>
        ReferenceEquals(this, other)
        || (
            other is not null
            && HintedIdentities.AsSpan().SequenceEqual(other.HintedIdentities.AsSpan())
            && HasSameBundles(other)
        );

    public bool HasSameBundles(ViewSnapshot? other) =>
        other is not null
        && other.Bundle.Der.Span.SequenceEqual(Bundle.Der.Span)
        && FederatedBundles.Length == other.FederatedBundles.Length
        && FederatedBundles
            .Zip(other.FederatedBundles)
            .All(static p =>
                p.First.Bundle.TrustDomain == p.Second.Bundle.TrustDomain
                && p.First.Der.Span.SequenceEqual(p.Second.Der.Span)
            );

    /// <summary>True if nobody would see a difference.</summary>
    public bool IsSame(ViewSnapshot? other) =>
        other is not null
        && EntryCount == other.EntryCount
        && PendingCount == other.PendingCount
        && IsReady == other.IsReady
        && DefaultAwaited == other.DefaultAwaited
        && Identities.AsSpan().SequenceEqual(other.Identities.AsSpan())
        && Awaited.AsSpan().SequenceEqual(other.Awaited.AsSpan())
        && HasSameX509(other);
}
