using System.Buffers;
using MeshCA.NodeAgent.Views;

namespace MeshCA.NodeAgent.WorkloadApi;

/// <summary>An X509BundlesResponse: the own and the federated bundles.</summary>
internal sealed class X509BundlesMessage(ViewSnapshot snapshot)
{
    private const int BundlesField = 2;

    public int Length { get; } = WireFormat.MeasureMap([snapshot.Bundle, .. snapshot.FederatedBundles]);

    public void WriteTo(IBufferWriter<byte> output) =>
        WireFormat.WriteMap(output, BundlesField, [snapshot.Bundle, .. snapshot.FederatedBundles]);
}
