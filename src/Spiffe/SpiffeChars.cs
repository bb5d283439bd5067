using System.Buffers;

namespace MeshCA.Spiffe;

/// <summary>The two alphabets of SPIFFE-ID sections 2.1 and 2.2.</summary>
internal static class SpiffeChars
{
    public static readonly SearchValues<char> TrustDomain = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyz0123456789.-_"
    );

    public static readonly SearchValues<char> PathSegment = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
    );
}
