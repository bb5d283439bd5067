using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Store;

/// <summary>One committed change of what agents are sent.</summary>
/// <param name="Revision">Grows by one with each change, in commit order.</param>
/// <param name="Key">What changed.</param>
/// <param name="Entry">The entry as it is now; null where it is gone, or the change is about a bundle.</param>
/// <param name="Bundle">The bundle as it is now; null where it is gone, or the change is about an entry.</param>
public sealed record StoreChange(long Revision, ChangeKey Key, RegistrationEntry? Entry, TrustBundle? Bundle);
