namespace MeshCA.Ca.Issuance.Der;

/// <summary>First bytes of the DER values that certificates are made of.</summary>
internal static class DerTag
{
    public const byte Boolean = 0x01;
    public const byte Integer = 0x02;
    public const byte BitString = 0x03;
    public const byte OctetString = 0x04;
    public const byte ObjectIdentifier = 0x06;
    public const byte Utf8String = 0x0C;
    public const byte UtcTime = 0x17;
    public const byte GeneralizedTime = 0x18;
    public const byte Sequence = 0x30;
    public const byte Set = 0x31;

    /// <summary>GeneralName dNSName.</summary>
    public const byte DnsName = 0x82;

    /// <summary>GeneralName uniformResourceIdentifier.</summary>
    public const byte Uri = 0x86;

    /// <summary>[0] of a primitive type: the key identifier of an AuthorityKeyIdentifier.</summary>
    public const byte KeyIdentifier = 0x80;

    /// <summary>[0] constructed: a certificate's version, a CSR's attributes.</summary>
    public const byte Context0 = 0xA0;

    /// <summary>[3] constructed: a certificate's extensions.</summary>
    public const byte Context3 = 0xA3;
}
