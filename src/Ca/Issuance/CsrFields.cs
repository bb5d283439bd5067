using System.Formats.Asn1;
using System.Security.Cryptography;
using MeshCA.Ca.Issuance.Der;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>Where the parts of a certification request are that the CA looks at (RFC 2986 section 4).</summary>
internal readonly ref struct CsrFields
{
    public const int MaxLength = 8 * 1024;

    private static ReadOnlySpan<byte> ExtensionRequest =>
        [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x0E];

    private static ReadOnlySpan<byte> SubjectAlternativeName => [0x06, 0x03, 0x55, 0x1D, 0x11];

    /// <summary>What the signature covers.</summary>
    public Range Signed { get; private init; }

    public Range Signature { get; private init; }

    public int KeyOffset { get; private init; }

    public int KeyLength { get; private init; }

    public HashAlgorithmName Hash { get; private init; }

    /// <summary>Whether the signature's algorithm is RSA; else it is ECDSA.</summary>
    public bool IsRsa { get; private init; }

    public static CsrFields Read(ReadOnlySpan<byte> csr)
    {
        if (csr.Length is 0 or > MaxLength)
        {
            throw Refused($"it has {csr.Length} bytes, not 1 to {MaxLength}");
        }

        try
        {
            return ReadRequest(csr);
        }
        catch (AsnContentException e)
        {
            throw Refused("it is not a PKCS#10 request in DER", e);
        }
    }

    public static MeshCaException Refused(string reason, Exception? inner = null) =>
        new(ErrorKind.Malformed, $"the CSR is refused: {reason}", inner);

    private static CsrFields ReadRequest(ReadOnlySpan<byte> csr)
    {
        var outer = new DerReader(csr);
        var request = outer.Sequence();
        outer.RequireEnd();
        var signed = request.Encoded(DerTag.Sequence);
        var (hash, isRsa) = ReadAlgorithm(request.Encoded(DerTag.Sequence));
        var signature = request.BitString();
        request.RequireEnd();

        var info = new DerReader(signed).Sequence();
        if (info.Integer() is not [0])
        {
            throw Refused("its version is not 1");
        }

        // The subject is neither used nor read: the identity comes from the caller and the entry.
        info.Content(DerTag.Sequence);
        var key = info.Encoded(DerTag.Sequence);
        if (!info.IsEmpty)
        {
            // Some encoders leave an empty set out.
            CheckAttributes(new DerReader(info.Content(DerTag.Context0)));
            info.RequireEnd();
        }

        return new()
        {
            Signed = RangeOf(csr, signed),
            Signature = RangeOf(csr, signature),
            KeyOffset = RangeOf(csr, key).Start.Value,
            KeyLength = key.Length,
            Hash = hash,
            IsRsa = isRsa,
        };
    }

    /// <summary>
    /// Nothing that is asked for here is granted. But a request for two identities is never an honest mistake, and such
    /// requests have got past other CAs (CVE-2022-40716): it is refused rather than answered with one.
    /// </summary>
    private static void CheckAttributes(DerReader attributes)
    {
        while (!attributes.IsEmpty)
        {
            var attribute = attributes.Sequence();
            var isExtensions = attribute.Encoded(DerTag.ObjectIdentifier).SequenceEqual(ExtensionRequest);
            var values = new DerReader(attribute.Content(DerTag.Set));
            attribute.RequireEnd();
            while (isExtensions && !values.IsEmpty)
            {
                CheckExtensions(values.Sequence());
            }
        }
    }

    private static void CheckExtensions(DerReader extensions)
    {
        var uris = 0;
        while (!extensions.IsEmpty)
        {
            var extension = extensions.Sequence();
            var isNames = extension.Encoded(DerTag.ObjectIdentifier).SequenceEqual(SubjectAlternativeName);
            extension.OptionalTrue();
            var value = new DerReader(extension.Content(DerTag.OctetString));
            extension.RequireEnd();
            if (!isNames)
            {
                continue;
            }

            var names = value.Sequence();
            while (!names.IsEmpty)
            {
                uris += names.NextTag == DerTag.Uri ? 1 : 0;
                names.Content(names.NextTag);
            }
        }

        if (uris > 1)
        {
            throw Refused("it asks for more than one URI SAN");
        }
    }

    /// <summary>RFC 5758 section 3.2 and RFC 4055 section 5, in the one encoding that each of them has.</summary>
    private static (HashAlgorithmName Hash, bool IsRsa) ReadAlgorithm(ReadOnlySpan<byte> algorithm) =>
        algorithm switch
        {
            [0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, var hash and >= 2 and <= 4] => (
                HashOf(hash - 2),
                false
            ),
            [
                0x30,
                0x0D,
                0x06,
                0x09,
                0x2A,
                0x86,
                0x48,
                0x86,
                0xF7,
                0x0D,
                0x01,
                0x01,
                var hash
                and >= 11
                and <= 13,
                5,
                0,
            ] => (HashOf(hash - 11), true),
            _ => throw Refused("its signature is not ECDSA or RSA PKCS#1 with SHA-256, SHA-384 or SHA-512"),
        };

    private static HashAlgorithmName HashOf(int index) =>
        index switch
        {
            0 => HashAlgorithmName.SHA256,
            1 => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };

    private static Range RangeOf(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> part)
    {
        whole.Overlaps(part, out var offset);
        return offset..(offset + part.Length);
    }
}
