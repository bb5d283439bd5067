namespace MeshCA.Signers.Disk;

/// <summary>A PKCS#8 file, mode 0600, made if it is not there.</summary>
public sealed record DiskSignerOptions : SignerOptions
{
    public override string Kind => "disk";

    /// <summary>Absolute.</summary>
    public required string Path { get; init; }

    /// <summary>A file whose first line is the passphrase; null = the key is not encrypted.</summary>
    public string? PassphraseFile { get; init; }
}
