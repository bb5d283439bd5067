namespace MeshCA.Ca.Issuance.Lint;

/// <summary>The extensions that our certificates may have.</summary>
[Flags]
internal enum Extensions
{
    None = 0,
    SubjectKeyIdentifier = 1,
    KeyUsage = 2,
    SubjectAlternativeName = 4,
    BasicConstraints = 8,
    AuthorityKeyIdentifier = 16,
    ExtendedKeyUsage = 32,

    Leaf =
        SubjectKeyIdentifier
        | KeyUsage
        | SubjectAlternativeName
        | BasicConstraints
        | AuthorityKeyIdentifier
        | ExtendedKeyUsage,
    LeafCritical = KeyUsage | SubjectAlternativeName | BasicConstraints,

    Root = SubjectKeyIdentifier | KeyUsage | SubjectAlternativeName | BasicConstraints,
    Intermediate = Root | AuthorityKeyIdentifier,
    AuthorityCritical = KeyUsage | BasicConstraints,
}
