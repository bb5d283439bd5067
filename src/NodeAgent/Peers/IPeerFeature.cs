namespace MeshCA.NodeAgent.Peers;

/// <summary>On each connection of the agent socket, and so on each of its requests.</summary>
public interface IPeerFeature
{
    /// <summary>Lives as long as the connection.</summary>
    Peer Peer { get; }
}
