using MeshCA.NodeAgent.Peers;

namespace MeshCA.NodeAgent.Attestation;

/// <summary>What attestation found of a process while it ran this executable (null: it may not be looked at).</summary>
internal sealed record AttestedProcess(FileIdentity? Exe, SelectorSet Selectors);
