namespace MeshCA.Ca.Store;

/// <summary>What a write has survived when its task completes.</summary>
public enum Durability
{
    /// <summary>The death of this process: the operating system has the write.</summary>
    Process,

    /// <summary>A power loss too: the disk has the write.</summary>
    Power,
}
