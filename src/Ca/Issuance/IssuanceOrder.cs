using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>What an agent asks for: an X509-SVID for an entry that it may serve. The CSR gives a public key and nothing else.</summary>
/// <param name="Entry">The source of every name in the certificate.</param>
/// <param name="Agent">The caller, as its own certificate says.</param>
/// <param name="Csr">PKCS#10, DER, not yet checked.</param>
public readonly record struct IssuanceOrder(RegistrationEntry Entry, SpiffeId Agent, ReadOnlyMemory<byte> Csr);
