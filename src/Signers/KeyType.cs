namespace MeshCA.Signers;

/// <summary>The kinds of key that an authority may have.</summary>
public enum KeyType
{
    EcP256,
    EcP384,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}
