namespace MeshCA.Ca;

/// <summary>How one part of the server is.</summary>
public enum ComponentState
{
    /// <summary>Not yet ready: the instance is not, either.</summary>
    Starting,

    Ok,

    /// <summary>Something is wrong, but the instance still does its work.</summary>
    Degraded,

    /// <summary>The instance cannot do its work.</summary>
    Down,
}
