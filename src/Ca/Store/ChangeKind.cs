namespace MeshCA.Ca.Store;

/// <summary>What a <see cref="StoreChange"/> is about. The values are stored: never renumber them.</summary>
public enum ChangeKind
{
    /// <summary>A registration entry; the key is its id.</summary>
    Entry = 1,

    /// <summary>A trust bundle; the key is its trust domain.</summary>
    Bundle = 2,
}
