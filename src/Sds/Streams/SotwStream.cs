using System.IO.Pipelines;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Sds.Resources;
using MeshCA.Sds.Secrets;
using Microsoft.Extensions.Logging;

namespace MeshCA.Sds.Streams;

/// <summary>State of the world: each response holds all that the stream asked for.</summary>
internal sealed class SotwStream(FeedHub hub, SdsOptions options, PipeWriter output, ILogger logger)
    : DiscoveryStream(hub, options, output, logger)
{
    private bool _hasNamed;

    public void Handle(DiscoveryRequest request)
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
        var unchanged = current.SameAs(Sent.Without(current.Held).Resources);
        Sent = current;

        // Nothing left is not told: Envoy keeps what it has, and would only take over a version that means nothing.
        return unchanged || current.IsEmpty ? null : current.Full();
    }

    private void Take(DiscoveryRequest request)
    {
        if (Last is { } last)
        {
            if (request.ResponseNonce != last.Nonce)
            {
                // It crossed a newer response on the way; the client's answer to that one comes, names included.
                LogStale(request.ResponseNonce);
                return;
            }

            Answer(request, last);
        }

        if (
            View?.Key is { } key
            && key.Everything == !_hasNamed
            && key.PlainRoots == Node.PlainRoots
            && key.SurelyNamedBy(request.ResourceNames)
        )
        {
            return;
        }

        var names = request.ResourceNames.Where(n => n.Length > 0).ToList();
        _hasNamed |= names.Count > 0;
        if (Look(everything: !_hasNamed, names))
        {
            // Names that are new must be answered, those that stay need not be sent again.
            Sent = View is { } view ? Sent.Where(r => view.Key.Wants(r.Name)) : ResourceSet.Empty;
        }
    }

    private void Answer(DiscoveryRequest request, Response last)
    {
        if (request.ErrorDetail is { } error)
        {
            Refuse(last.Carried, error);
        }
        else if (request.VersionInfo == last.Version)
        {
            var isSent = ReferenceEquals(Sent.Resources, last.Carried);
            Accept(isSent ? Sent : ResourceSet.OfStream(last.Carried), last.Carried);
        }
    }
}
