namespace MeshCA.Ca.Authorities;

/// <summary>Gives the authority that issues now. Implemented by <c>AuthorityKeeper</c>, by fakes in tests.</summary>
public interface IIssuingAuthoritySource
{
    /// <summary>The one to issue with now.</summary>
    /// <exception cref="MeshCA.Spiffe.MeshCaException">Unavailable: no authority can issue now, and why.</exception>
    IssuingAuthority Current { get; }
}
