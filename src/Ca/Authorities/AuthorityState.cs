namespace MeshCA.Ca.Authorities;

/// <summary>Where an authority is in its life.</summary>
public enum AuthorityState
{
    /// <summary>Leaves are issued from it or from what it signed, and it is in the trust bundle if it is a root.</summary>
    Active,

    /// <summary>Issues nothing any more, but leaves of it are in use: a root stays in the trust bundle.</summary>
    Retiring,

    /// <summary>Nothing needs it any more.</summary>
    Pruned,
}
