using MeshCA.Signers.Local;

namespace MeshCA.Signers.Memory;

/// <summary>Signs with a key that is made with it and lost with it.</summary>
public sealed class MemorySigner : LocalSigner
{
    private MemorySigner(string name, LocalKey key)
        : base(name, key) { }

    public static MemorySigner Create(string name, KeyType keyType) => new(name, LocalKey.Generate(keyType));
}
