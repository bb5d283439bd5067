namespace MeshCA.Signers;

/// <summary>Hash and padding together, as a vault wants them named.</summary>
public enum SignatureScheme
{
    EcdsaSha256,
    EcdsaSha384,
    RsaPkcs1Sha256,
    RsaPkcs1Sha384,
}
