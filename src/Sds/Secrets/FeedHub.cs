using MeshCA.Sds.Resources;
using MeshCA.Sds.Streams;
using Microsoft.Extensions.Logging;

namespace MeshCA.Sds.Secrets;

/// <summary>Turns the changes of one feed into pushes to all streams that look at it.</summary>
internal sealed partial class FeedHub : IThreadPoolWorkItem, IDisposable
{
    // Below this a second thread costs more than it saves.
    private const int SplitAbove = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<ViewKey, View> _views = [];
    private readonly SdsOptions _options;
    private readonly InvalidSecretReporter _reporter;
    private readonly ILogger _logger;
    private readonly IDisposable _subscription;
    private SecretCatalog? _catalog;
    private int _scheduled;

    public FeedHub(ISecretFeed feed, SdsOptions options, InvalidSecretReporter reporter, ILogger logger)
    {
        Feed = feed;
        _options = options;
        _reporter = reporter;
        _logger = logger;
        _subscription = feed.Subscribe(Changed);
        Refresh();
    }

    public ISecretFeed Feed { get; }

    /// <summary>How many streams hold this; guarded by the owner's lock.</summary>
    public int Holders { get; set; }

    public View Enter(ViewKey key, DiscoveryStream stream)
    {
        lock (_gate)
        {
            if (!_views.TryGetValue(key, out var view))
            {
                view = new View(key);
                if (_catalog is { } catalog)
                {
                    view.Replace(SecretEncoder.TypeUrl, catalog.Select(key));
                }

                _views.Add(key, view);
            }

            view.Add(stream);
            return view;
        }
    }

    public void Leave(View view, DiscoveryStream stream)
    {
        lock (_gate)
        {
            view.Remove(stream);
            if (view.Streams.Count == 0)
            {
                _views.Remove(view.Key);
            }
        }
    }

    /// <summary>What a fetch is answered; null while the feed is not in sync.</summary>
    public Selection? Select(ViewKey key)
    {
        lock (_gate)
        {
            return _catalog?.Select(key);
        }
    }

    public void Report(SdsStatusBuilder status)
    {
        lock (_gate)
        {
            foreach (var view in _views.Values)
            {
                if (view.Current is { } current)
                {
                    view.Streams.ForEach(s => s.Report(current, status));
                }
            }
        }
    }

    public void Dispose() => _subscription.Dispose();

    /// <summary>Runs on the thread pool after a change.</summary>
    public void Execute()
    {
        Volatile.Write(ref _scheduled, 0);
        try
        {
            foreach (var streams in Refresh())
            {
                Push(streams);
            }
        }
        catch (Exception e)
        {
            // The next change must still be served; what was sent before stays good.
            LogRefreshFailed(e);
        }
    }

    /// <summary>Changes that come faster than they are pushed become one push.</summary>
    private void Changed()
    {
        if (Interlocked.Exchange(ref _scheduled, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>Takes over the feed's snapshot; the streams that are to be told, one array for each changed view.</summary>
    private List<DiscoveryStream[]> Refresh()
    {
        var changed = new List<DiscoveryStream[]>();
        lock (_gate)
        {
            if (Feed.Current is not { } snapshot || ReferenceEquals(snapshot, _catalog?.Snapshot))
            {
                return changed;
            }

            _catalog = new SecretCatalog(snapshot, _catalog, _options, _reporter);
            foreach (var view in _views.Values)
            {
                if (view.Replace(SecretEncoder.TypeUrl, _catalog.Select(view.Key)))
                {
                    changed.Add([.. view.Streams]);
                }
            }
        }

        return changed;
    }

    private static void Push(DiscoveryStream[] streams)
    {
        var half = streams.Length > SplitAbove ? streams.Length / 2 : 0;
        if (half > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static state => Push(state.streams.AsSpan(0, state.half)),
                (streams, half),
                preferLocal: false
            );
        }

        Push(streams.AsSpan(half));
    }

    private static void Push(ReadOnlySpan<DiscoveryStream> streams)
    {
        foreach (var stream in streams)
        {
            stream.Push();
        }
    }

    [LoggerMessage(LogLevel.Error, "Could not take over changed secrets; the ones sent before stay")]
    private partial void LogRefreshFailed(Exception e);
}
