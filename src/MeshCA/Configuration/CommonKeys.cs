using System.Net;
using MeshCA.Spiffe;

namespace MeshCA.Configuration;

/// <summary>What both files have.</summary>
internal static class CommonKeys
{
    public static TrustDomain TrustDomain(ConfigSection root)
    {
        const string example = "example.org";
        if (root.NonEmpty("trustDomain", required: true, example) is { } text)
        {
            try
            {
                return MeshCA.Spiffe.TrustDomain.Parse(text);
            }
            catch (FormatException e)
            {
                root.Error("trustDomain", $"{e.Message}; write a name such as {example}");
            }
        }

        return default;
    }

    public static bool IsName(string name) =>
        name.Length is > 0 and <= 63
        && char.IsAsciiLetter(name[0])
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-');

    public static void CheckPorts(ConfigSection root, IPEndPoint? listen, IPEndPoint? management)
    {
        if (listen is { Port: > 0 } && management is not null && listen.Equals(management))
        {
            root.Error("management", "it is the same address as listen; give it a port of its own");
        }
    }
}
