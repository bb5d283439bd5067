namespace MeshCA.NodeAgent.Peers;

/// <summary>What lies at a path, as far as a listener cares.</summary>
internal enum FileKind
{
    None,
    Socket,
    Link,
    Other,
}
