using Grpc.Core;
using MeshCA.Sds.Grpc;
using MeshCA.Sds.Resources;

namespace MeshCA.Sds.Secrets;

/// <summary>What is wrong with names as such, whatever the caller may be given.</summary>
internal static class SecretNames
{
    public static void Check(ViewKey key, SdsOptions options)
    {
        // One list of plain roots for all trust domains would let each of them vouch for every other.
        if (
            key.PlainRoots
            && options.AllBundlesName != options.BundleName
            && key.Names.Contains(options.AllBundlesName, StringComparer.Ordinal)
        )
        {
            throw GrpcWire.Refuse(StatusCode.Internal, "unable to use \"SPIFFE validator\" on Envoy below 1.17");
        }
    }

    /// <summary>For a fetch that would be answered with nothing; the text is SPIRE's.</summary>
    public static Exception NotAuthorized(ViewKey key) =>
        GrpcWire.Refuse(
            StatusCode.InvalidArgument,
            $"workload is not authorized for the requested identities [{string.Join(' ', key.Names.Select(n => $"\"{n}\""))}]"
        );
}
