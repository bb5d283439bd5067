namespace MeshCA.Ca.Store.Sqlite;

/// <summary>What was answered to a request with an idempotency key.</summary>
/// <param name="BodyHash">Tells the same request from another one with the same key.</param>
/// <param name="Answer">Sealed; only who has the key can read it.</param>
public sealed record KeptAnswer(byte[] BodyHash, byte[] Answer);
