using System.Buffers;

namespace MeshCA.Spiffe;

/// <summary>The alphabets of SPIFFE-ID sections 2.1 and 2.2, and of RFC 4648 section 5 without padding.</summary>
internal static class SpiffeChars
{
    private const string Lower = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

    public static readonly SearchValues<char> TrustDomain = SearchValues.Create(Lower);

    public static readonly SearchValues<char> PathSegment = SearchValues.Create(Lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    public static readonly SearchValues<char> Base64Url = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    );
}
