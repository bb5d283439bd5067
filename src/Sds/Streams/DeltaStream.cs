using System.IO.Pipelines;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Sds.Resources;
using MeshCA.Sds.Secrets;
using Microsoft.Extensions.Logging;
using Resource = MeshCA.Sds.Resources.Resource;

namespace MeshCA.Sds.Streams;

/// <summary>Incremental: each response holds what has changed.</summary>
internal sealed class DeltaStream(FeedHub hub, SdsOptions options, PipeWriter output, ILogger logger)
    : DiscoveryStream(hub, options, output, logger)
{
    private const string Wildcard = "*";

    // Answers may cross later responses on the way; those of a client that never answers must not pile up.
    private const int MaxOlder = 16;

    private List<Response>? _older;
    private bool _isOpen;
    private bool _isLastAnswered;

    public void Handle(DeltaDiscoveryRequest request)
    {
        CheckType(request.TypeUrl);
        lock (Gate)
        {
            Know(request.Node);
            Take(request);
            Pump();
        }
    }

    protected override Response? Next(ResourceSet current)
    {
        var response = current.DeltaFrom(Sent);

        // What is held is still at the client, and must be told as removed should it go for good.
        Sent = current.Held.Length == 0 ? current : current.With(Sent.Only(current.Held));
        if (response is null)
        {
            return null;
        }

        if (Last is { } last && !_isLastAnswered)
        {
            _older ??= [];
            if (_older.Count == MaxOlder)
            {
                _older.RemoveAt(0);
            }

            _older.Add(last);
        }

        _isLastAnswered = false;
        return response;
    }

    private void Take(DeltaDiscoveryRequest request)
    {
        if (request.ResponseNonce.Length > 0)
        {
            Answer(request);
        }

        // Subscriptions count even with a stale nonce: they are changes, not a state that a later message repeats.
        var subscribe = request.ResourceNamesSubscribe.Where(n => n.Length > 0).ToHashSet(StringComparer.Ordinal);
        var isFirst = !_isOpen;
        _isOpen = true;
        var key = View?.Key;
        if (
            isFirst
            || subscribe.Count > 0
            || request.ResourceNamesUnsubscribe.Count > 0
            || (key is not null && key.PlainRoots != Node.PlainRoots)
        )
        {
            var everything =
                (key?.Everything == true && !request.ResourceNamesUnsubscribe.Contains(Wildcard))
                || subscribe.Contains(Wildcard)
                || (isFirst && subscribe.Count == 0);
            var names = (key?.Names ?? []).Except(request.ResourceNamesUnsubscribe, StringComparer.Ordinal);
            Look(everything, names.Union(subscribe.Where(n => n != Wildcard), StringComparer.Ordinal));
            Sent = isFirst
                ? Held(request)
                : Sent.Where(r => View?.Key.Wants(r.Name) == true && !subscribe.Contains(r.Name));
        }

        if (isFirst)
        {
            // A client that reconnects is not sent what it holds, so no ACK of it will come.
            Accept(Sent, []);
        }
    }

    private ResourceSet Held(DeltaDiscoveryRequest request)
    {
        var held = request.InitialResourceVersions.Where(v => View?.Key.Wants(v.Key) == true);
        var resources = held.Select(v => Resource.HeldByClient(v.Key, v.Value)).ToArray();
        return resources.Length == 0 ? ResourceSet.Empty : ResourceSet.OfStream(resources);
    }

    private void Answer(DeltaDiscoveryRequest request)
    {
        var answered = Last;
        if (Last?.Nonce == request.ResponseNonce)
        {
            _isLastAnswered = true;
            _older = null;
        }
        else
        {
            var index = _older?.FindIndex(r => r.Nonce == request.ResponseNonce) ?? -1;
            if (index < 0)
            {
                LogStale(request.ResponseNonce);
                return;
            }

            answered = _older![index];
            _older.RemoveRange(0, index + 1);
        }

        var carried = answered!.Carried;
        if (request.ErrorDetail is { } error)
        {
            Refuse(carried, error);
        }
        else
        {
            var isAll = carried.Length == Sent.Resources.Length && Array.TrueForAll(carried, Sent.Holds);
            Accept(isAll ? Sent : Accepted.With(carried), carried);
        }
    }
}
