namespace MeshCA.Signers;

/// <summary>One signer of the configuration: its name, and in a derived record what its kind needs.</summary>
public abstract record SignerOptions
{
    /// <summary>The name it has under <c>signers:</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The kind, as the configuration spells it: <c>memory</c>, <c>disk</c>, …</summary>
    public abstract string Kind { get; }
}
