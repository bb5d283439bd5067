using System.Buffers;
using System.Text;
using MeshCA.NodeAgent.Views;

namespace MeshCA.NodeAgent.WorkloadApi;

/// <summary>An X509SVIDResponse that writes itself from the parts which the views share, without a copy of its own.</summary>
/// <remarks>Some thousands of SVIDs make 8 MB. Field numbers are those of workload.proto; the tests decode with its types.</remarks>
internal sealed class X509SvidMessage(ViewSnapshot snapshot)
{
    private const byte SvidsTag = (1 << 3) | 2;
    private const byte BundleTag = (4 << 3) | 2;
    private const byte HintTag = (5 << 3) | 2;
    private const int FederatedBundlesField = 3;

    public int Length => snapshot.X509Length;

    public static int Measure(ViewSnapshot snapshot)
    {
        var length = WireFormat.MeasureMap(snapshot.FederatedBundles);
        var bundle = WireFormat.Field(snapshot.Bundle.Der.Length);
        foreach (var identity in snapshot.HintedIdentities)
        {
            length += WireFormat.Field(MeasureSvid(identity, bundle));
        }

        return length;
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        var bundle = WireFormat.Field(snapshot.Bundle.Der.Length);
        foreach (var identity in snapshot.HintedIdentities)
        {
            WireFormat.WriteHead(output, SvidsTag, MeasureSvid(identity, bundle));
            output.Write(identity.Svid.EncodedMessageStart.Span);
            WireFormat.WriteField(output, BundleTag, snapshot.Bundle.Der.Span);
            if (identity.Hint.Length > 0)
            {
                WireFormat.WriteField(output, HintTag, Encoding.UTF8.GetBytes(identity.Hint));
            }
        }

        WireFormat.WriteMap(output, FederatedBundlesField, snapshot.FederatedBundles);
    }

    private static int MeasureSvid(ViewIdentity identity, int bundle) =>
        identity.Svid.EncodedMessageStart.Length
        + bundle
        + (identity.Hint.Length > 0 ? WireFormat.Field(Encoding.UTF8.GetByteCount(identity.Hint)) : 0);
}
