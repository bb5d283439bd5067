using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Text.Json.Nodes;
using MeshCA.Protos.Workload;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Svid;

/// <summary>One identity of an answer, checked: the certificate is an X509-SVID of the SPIFFE ID, the key is its key.</summary>
internal sealed class ReceivedSvid
{
    private const int MaxCertificates = 64;

    public required X509Svid Svid { get; init; }

    public required string Hint { get; init; }

    /// <summary>The roots of its trust domain, DER.</summary>
    public required ImmutableArray<ReadOnlyMemory<byte>> Bundle { get; init; }

    /// <summary>In the order of the answer: the first is the default.</summary>
    /// <exception cref="MeshCaException">The answer breaks the Workload API's rules.</exception>
    public static ImmutableArray<ReceivedSvid> All(X509SVIDResponse answer) => [.. answer.Svids.Select(Read)];

    public string ChainPem => Pem.EncodeCertificates(Svid.Chain);

    /// <summary>Without the private key.</summary>
    public JsonObject ToJson() =>
        new()
        {
            ["spiffeId"] = Svid.SpiffeId.ToString(),
            ["hint"] = Hint,
            ["serialNumber"] = Svid.SerialNumber,
            ["notBefore"] = Time(Svid.NotBefore),
            ["notAfter"] = Time(Svid.NotAfter),
            ["chain"] = ChainPem,
            ["bundle"] = Pem.EncodeCertificates(Bundle),
        };

    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static ReceivedSvid Read(X509SVID svid)
    {
        var read = X509Svid.Create(Split(svid.X509Svid.Memory), svid.X509SvidKey.Memory);
        return read.SpiffeId.ToString() == svid.SpiffeId
            ? new()
            {
                Svid = read,
                Hint = svid.Hint,
                Bundle = Split(svid.Bundle.Memory),
            }
            : throw new MeshCaException(
                ErrorKind.Malformed,
                $"the agent's answer says {svid.SpiffeId}, its certificate {read.SpiffeId}; is this a SPIFFE agent"
            );
    }

    /// <summary>DER certificates one after the other, as SPIFFE_Workload_API section 5.2.1 sends them.</summary>
    private static ImmutableArray<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> der)
    {
        var certificates = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        try
        {
            while (!der.IsEmpty && certificates.Count < MaxCertificates)
            {
                AsnDecoder.ReadEncodedValue(der.Span, AsnEncodingRules.DER, out _, out _, out var length);
                certificates.Add(der[..length]);
                der = der[length..];
            }
        }
        catch (AsnContentException e)
        {
            throw new MeshCaException(ErrorKind.Malformed, "the agent's answer has a damaged certificate", e);
        }

        return certificates.ToImmutable();
    }
}
