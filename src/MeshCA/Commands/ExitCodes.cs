namespace MeshCA.Commands;

/// <summary>What the program ends with.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The request was refused, or the thing is unhealthy.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;
}
