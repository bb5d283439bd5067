namespace MeshCA.Sds;

/// <summary>The secrets of one workload as they change. Callers with the same identities share one feed object.</summary>
public interface ISecretFeed
{
    /// <summary>
    /// What may be served now. Null until the agent is in sync with the server: nothing is sent before, and nothing removed.
    /// </summary>
    SecretSnapshot? Current { get; }

    /// <summary>Calls <paramref name="changed"/> after each swap of <see cref="Current"/>; it must not block.</summary>
    IDisposable Subscribe(Action changed);
}
