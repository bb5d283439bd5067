using Google.Protobuf.WellKnownTypes;
using MeshCA.Protos.Envoy.Config.Core.V3;

namespace MeshCA.Sds.Streams;

/// <summary>What is kept of a node: an Envoy's node message is 60 kB, nearly all of it a list of its extensions.</summary>
/// <param name="Id">Scrubbed and cut.</param>
/// <param name="Cluster">Scrubbed and cut.</param>
/// <param name="PlainRoots">True: it gets roots as trusted_ca, not the SPIFFE validator.</param>
internal sealed record NodeFacts(string Id, string Cluster, bool PlainRoots)
{
    private const string OptOut = "disable_spiffe_cert_validation";
    private const int MaxText = 128;

    public static NodeFacts Unknown(SdsOptions options) => new("", "", options.DisableSpiffeCertValidation);

    public static NodeFacts Of(Node node, SdsOptions options) =>
        new(
            Text(node.Id),
            Text(node.Cluster),
            OptedOut(node.Metadata) ?? options.DisableSpiffeCertValidation || !KnowsValidator(node)
        );

    private static bool? OptedOut(Struct? metadata)
    {
        if (metadata is null || !metadata.Fields.TryGetValue(OptOut, out var value))
        {
            return null;
        }

        // SPIRE's rule: a bool, or a string as Go's ParseBool takes it; all else is as if it were not there.
        return value.KindCase switch
        {
            Value.KindOneofCase.BoolValue => value.BoolValue,
            Value.KindOneofCase.StringValue => value.StringValue switch
            {
                "1" or "t" or "T" or "TRUE" or "true" or "True" => true,
                "0" or "f" or "F" or "FALSE" or "false" or "False" => false,
                _ => null,
            },
            _ => null,
        };
    }

    /// <summary>Envoy has the SPIFFE validator since 1.18; a client that does not say its version is taken as newer.</summary>
    private static bool KnowsValidator(Node node) =>
        node.UserAgentBuildVersion?.Version is not { } version || version.MajorNumber > 1 || version.MinorNumber > 17;

    private static string Text(string value)
    {
        var text = NackText.Scrub(value);
        return text.Length <= MaxText ? text : text[..MaxText];
    }
}
