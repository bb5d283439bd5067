namespace MeshCA.Ca.Store;

/// <summary>Names what changed.</summary>
public readonly record struct ChangeKey(ChangeKind Kind, string Key);
