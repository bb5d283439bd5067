namespace MeshCA.Signers.Memory;

/// <summary>A key made at start and lost at the end.</summary>
public sealed record MemorySignerOptions : SignerOptions
{
    public override string Kind => "memory";
}
