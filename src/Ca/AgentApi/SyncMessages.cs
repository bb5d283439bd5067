using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>Makes the messages of one agent's stream from the present state, in parts of bounded size.</summary>
internal sealed class SyncMessages(
    EntryRegistry entries,
    BundleRegistry bundles,
    AgentFeed feed,
    SpiffeId agent,
    TrustDomain ownTrustDomain
)
{
    public const int MaxEntries = 500;

    /// <summary>Stock gRPC clients refuse messages above 4 MiB; one entry has at most some 300 KiB.</summary>
    private const int MaxPartBytes = 1024 * 1024;

    /// <summary>Federated trust domains that some entry of this stream named: their bundles are sent too.</summary>
    private readonly HashSet<TrustDomain> _federated = [];

    /// <summary>What the agent holds once it has applied all that was made so far.</summary>
    private long _revision;

    /// <summary>The agent holds what its entries were at <paramref name="revision"/>.</summary>
    public void Resume(long revision)
    {
        _revision = revision;
        _federated.UnionWith(entries.Catalog.ServedBy(agent).SelectMany(entry => entry.FederatesWith));
    }

    public IEnumerable<SyncResponse> Snapshot(string storeId, TimeSpan reportInterval)
    {
        // The revision first: what is read after it is as new or newer, and a change sent twice does no harm.
        _revision = feed.Revision;
        _federated.Clear();
        var part = NewPart();
        var size = 0;
        foreach (var entry in entries.Catalog.ServedBy(agent))
        {
            var message = AgentProto.ToProto(entry);
            size += message.CalculateSize();
            if (part.Entries.Count == MaxEntries || (size > MaxPartBytes && part.Entries.Count > 0))
            {
                yield return new() { Snapshot = part };
                part = NewPart();
                size = message.CalculateSize();
            }

            part.Entries.Add(message);
            _federated.UnionWith(entry.FederatesWith);
        }

        foreach (var bundle in _federated.Select(bundles.Find).OfType<TrustBundle>().Prepend(bundles.Own))
        {
            var message = AgentProto.ToProto(bundle);
            size += message.CalculateSize();
            if (size > MaxPartBytes)
            {
                yield return new() { Snapshot = part };
                part = NewPart();
                size = message.CalculateSize();
            }

            part.Bundles.Add(message);
        }

        part.Last = true;
        yield return new() { Snapshot = part };

        Snapshot NewPart() =>
            new()
            {
                StoreId = storeId,
                Revision = _revision,
                ReportIntervalMs = (long)reportInterval.TotalMilliseconds,
            };
    }

    /// <summary>At least one message, so that an agent that missed nothing knows that it is in sync.</summary>
    public IEnumerable<SyncResponse> Changes(PendingChanges pending, long revision)
    {
        var changed = new HashSet<TrustDomain>(
            pending.Bundles.Where(trustDomain => trustDomain == ownTrustDomain || _federated.Contains(trustDomain))
        );

        // All parts but the last leave the revision as it is: an agent that gets no further asks for all of it again.
        var part = new Change { Revision = _revision };
        var size = 0;
        foreach (var id in pending.Entries.Order(StringComparer.Ordinal))
        {
            if (part.Upserted.Count + part.RemovedEntryIds.Count >= MaxEntries || size > MaxPartBytes)
            {
                yield return new() { Change = part };
                part = new Change { Revision = _revision };
                size = 0;
            }

            if (entries.Find(id) is { } entry && entry.IsServedBy(agent))
            {
                var message = AgentProto.ToProto(entry);
                size += message.CalculateSize();
                part.Upserted.Add(message);
                changed.UnionWith(entry.FederatesWith.Where(_federated.Add));
            }
            else
            {
                part.RemovedEntryIds.Add(id);
            }
        }

        foreach (var trustDomain in changed)
        {
            if (bundles.Find(trustDomain) is { } bundle)
            {
                var message = AgentProto.ToProto(bundle);
                size += message.CalculateSize();
                if (size > MaxPartBytes)
                {
                    yield return new() { Change = part };
                    part = new Change { Revision = _revision };
                    size = message.CalculateSize();
                }

                part.Bundles.Add(message);
            }
            else
            {
                part.RemovedTrustDomains.Add(trustDomain.Name);
            }
        }

        _revision = Math.Max(_revision, Math.Max(revision, pending.Revision));
        part.Revision = _revision;
        yield return new() { Change = part };
    }
}
