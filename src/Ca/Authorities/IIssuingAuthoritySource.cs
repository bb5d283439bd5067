namespace MeshCA.Ca.Authorities;

/// <summary>Gives the authority that issues now. Implemented by <c>AuthorityKeeper</c>, by fakes in tests.</summary>
public interface IIssuingAuthoritySource
{
    /// <exception cref="MeshCA.Spiffe.MeshCaException">Unavailable: no authority can issue now, and why.</exception>
    IssuingAuthority Current { get; }
}
