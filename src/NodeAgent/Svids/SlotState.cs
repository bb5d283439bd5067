namespace MeshCA.NodeAgent.Svids;

/// <summary>Where an SVID's issuance is.</summary>
internal enum SlotState
{
    Idle,

    /// <summary>Waits for a batch.</summary>
    Queued,

    /// <summary>Sent to the server.</summary>
    InFlight,
}
