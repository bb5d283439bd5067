using MeshCA.Sds;

namespace MeshCA.Testing.Sds;

/// <summary>A feed whose content a test sets.</summary>
public sealed class FakeSecretFeed : ISecretFeed
{
    private readonly Lock _gate = new();
    private readonly List<Action> _subscribers = [];
    private volatile SecretSnapshot? _current;

    public SecretSnapshot? Current => _current;

    public int Subscribers
    {
        get
        {
            lock (_gate)
            {
                return _subscribers.Count;
            }
        }
    }

    public void Set(SecretSnapshot? snapshot)
    {
        _current = snapshot;
        Action[] subscribers;
        lock (_gate)
        {
            subscribers = [.. _subscribers];
        }

        Array.ForEach(subscribers, s => s());
    }

    public IDisposable Subscribe(Action changed)
    {
        lock (_gate)
        {
            _subscribers.Add(changed);
        }

        return new Subscription(this, changed);
    }

    private sealed class Subscription(FakeSecretFeed feed, Action changed) : IDisposable
    {
        public void Dispose()
        {
            lock (feed._gate)
            {
                feed._subscribers.Remove(changed);
            }
        }
    }
}
