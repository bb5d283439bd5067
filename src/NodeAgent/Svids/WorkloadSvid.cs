using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using MeshCA.NodeAgent.WorkloadApi;
using MeshCA.Sds;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Svids;

/// <summary>An issued SVID with its key, in the forms in which it is served. Immutable; prints nothing of the key.</summary>
/// <remarks>
/// DER chain and key are kept once, inside the bytes of the Workload API message that carries them: with thousands of SVIDs
/// that is a third of the memory.
/// </remarks>
internal sealed class WorkloadSvid
{
    private const byte SpiffeIdTag = (1 << 3) | 2;
    private const byte ChainTag = (2 << 3) | 2;
    private const byte KeyTag = (3 << 3) | 2;

    private readonly ImmutableArray<ReadOnlyMemory<byte>> _intermediates;
    private readonly Range _leaf;
    private readonly Range _key;

    private TlsIdentity? _tls;

    public WorkloadSvid(
        SpiffeId spiffeId,
        ReadOnlyMemory<byte> leaf,
        ImmutableArray<ReadOnlyMemory<byte>> intermediates,
        ReadOnlyMemory<byte> pkcs8,
        DateTimeOffset issuedAt,
        long entryRevision
    )
    {
        var fields = CertificateFields.Read(leaf);
        SpiffeId = spiffeId;
        NotAfter = fields.NotAfter;
        RenewAt = RotationSchedule.RenewAt(issuedAt, fields.NotAfter, leaf.Span);
        EntryRevision = entryRevision;
        _intermediates = intermediates;

        var id = Encoding.UTF8.GetBytes(spiffeId.ToString());
        var chainLength = leaf.Length + intermediates.Sum(static i => i.Length);
        var output = new ArrayBufferWriter<byte>(
            WireFormat.Field(id.Length) + WireFormat.Field(chainLength) + WireFormat.Field(pkcs8.Length)
        );
        WireFormat.WriteField(output, SpiffeIdTag, id);
        WireFormat.WriteHead(output, ChainTag, chainLength);
        _leaf = output.WrittenCount..(output.WrittenCount + leaf.Length);
        output.Write(leaf.Span);
        foreach (var intermediate in intermediates)
        {
            output.Write(intermediate.Span);
        }

        WireFormat.WriteField(output, KeyTag, pkcs8.Span);
        _key = (output.WrittenCount - pkcs8.Length)..output.WrittenCount;
        EncodedMessageStart = output.WrittenMemory;
    }

    public SpiffeId SpiffeId { get; }

    public DateTimeOffset NotAfter { get; }

    public DateTimeOffset RenewAt { get; }

    /// <summary>The revision of the entry that it was issued for.</summary>
    public long EntryRevision { get; }

    /// <summary>Fields 1 to 3 of a Workload API X509SVID message.</summary>
    public ReadOnlyMemory<byte> EncodedMessageStart { get; }

    /// <summary>PEM, as SDS serves it; made when an Envoy first asks.</summary>
    public TlsIdentity ToTlsIdentity() =>
        _tls ??= new()
        {
            SpiffeId = SpiffeId,
            CertificateChainPem = Encoding.ASCII.GetBytes(
                Pem.EncodeCertificates([EncodedMessageStart[_leaf], .. _intermediates])
            ),
            PrivateKeyPem = Encoding.ASCII.GetBytes(Pem.EncodePrivateKey(EncodedMessageStart[_key])),
        };

    public override string ToString() => SpiffeId.ToString();
}
