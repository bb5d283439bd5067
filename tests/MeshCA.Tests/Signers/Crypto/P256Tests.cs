using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using MeshCA.Signers.Crypto;

namespace MeshCA.Tests.Signers.Crypto;

/// <summary>libcrypto's path and .NET's give the same answer to everything, also to what no honest client sends.</summary>
public sealed class P256Tests
{
    /// <summary>SEC 2 section 2.4.2.</summary>
    private static readonly BigInteger _order = BigInteger.Parse(
        "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        System.Globalization.NumberStyles.HexNumber,
        System.Globalization.CultureInfo.InvariantCulture
    );

    private static readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly byte[] _digest = SHA256.HashData("message"u8);
    private static readonly byte[] _signature = _key.SignHash(_digest, DSASignatureFormat.Rfc3279DerSequence);
    private static readonly byte[] _point = PointOf(_key);

    public static TheoryData<string, byte[]> Points()
    {
        var offCurve = (byte[])_point.Clone();
        offCurve[^1] ^= 1;
        var notReduced = (byte[])_point.Clone();
        notReduced.AsSpan(1, 32).Fill(0xFF);
        byte[] compressed = [(byte)(2 + (_point[^1] & 1)), .. _point[1..33]];
        byte[] hybrid = [(byte)(6 + (_point[^1] & 1)), .. _point[1..]];
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new()
        {
            { "off the curve", offCurve },
            { "x not reduced", notReduced },
            { "compressed", compressed },
            { "hybrid", hybrid },
            { "infinity", [0] },
            { "all zero", [4, .. new byte[64]] },
            { "empty", [] },
            { "too short", _point[..^1] },
            { "too long", [.. _point, 0] },
            { "another key's", PointOf(other) },
        };
    }

    public static TheoryData<string, byte[]> Signatures()
    {
        var (r, s) = Read(_signature);
        var flipped = (byte[])_signature.Clone();
        flipped[^1] ^= 1;
        return new()
        {
            { "empty", [] },
            { "flipped", flipped },
            { "cut", _signature[..^1] },
            { "bytes follow", [.. _signature, 0] },
            { "rubbish", [1, 2, 3] },
            { "empty sequence", [0x30, 0] },
            { "r zero", Write(0, s) },
            { "s zero", Write(r, 0) },
            { "both zero", Write(0, 0) },
            { "r the order", Write(_order, s) },
            { "s the order", Write(r, _order) },
            { "r beyond the order", Write(r + _order, s) },
            { "s beyond the order", Write(r, s + _order) },
            { "r negative", Write(-r, s) },
            { "s negative", Write(r, -s) },
            { "r and s changed over", Write(s, r) },
            { "raw, not DER", [.. _signature.AsSpan(4, 32), .. _signature.AsSpan(_signature.Length - 32)] },
            { "long form of the length", [0x30, 0x81, .. _signature[1..]] },
        };
    }

    [Fact]
    public void IsNative_HereWhereTestsRun_IsTrue() => Assert.True(P256.IsNative, "both paths are to be tested");

    [Fact]
    public void Verify_RightSignature_BothTrue()
    {
        Assert.True(P256.VerifyNative(_point, _digest, _signature));
        Assert.True(P256.VerifyManaged(_point, _digest, _signature));
        Assert.True(new P256PublicKey(_point, native: true).Verify(_digest, _signature));
        Assert.True(new P256PublicKey(_point, native: false).Verify(_digest, _signature));
    }

    [Fact]
    public void Verify_HighS_BothTrue()
    {
        // X.509 knows no low-s rule: r, n - s is the same signature.
        var (r, s) = Read(_signature);
        var high = Write(r, _order - s);

        Assert.True(P256.VerifyNative(_point, _digest, high));
        Assert.True(P256.VerifyManaged(_point, _digest, high));
    }

    [Theory]
    [InlineData(48)]
    [InlineData(64)]
    public void Verify_LongerDigest_BothTrue(int length)
    {
        var digest = RandomNumberGenerator.GetBytes(length);
        var signature = _key.SignHash(digest, DSASignatureFormat.Rfc3279DerSequence);

        Assert.True(P256.VerifyNative(_point, digest, signature));
        Assert.True(P256.VerifyManaged(_point, digest, signature));
    }

    [Theory]
    [MemberData(nameof(Points), DisableDiscoveryEnumeration = true)]
    public void Verify_WrongPoint_BothFalse(string name, byte[] point)
    {
        Assert.NotEmpty(name);
        Assert.False(P256.VerifyNative(point, _digest, _signature));
        Assert.False(P256.VerifyManaged(point, _digest, _signature));

        // The thread's scratch key has held the bad point: the next key must not notice.
        Assert.True(P256.VerifyNative(_point, _digest, _signature));
    }

    [Theory]
    [MemberData(nameof(Signatures), DisableDiscoveryEnumeration = true)]
    public void Verify_WrongSignature_BothFalse(string name, byte[] signature)
    {
        Assert.NotEmpty(name);
        Assert.False(P256.VerifyNative(_point, _digest, signature));
        Assert.False(P256.VerifyManaged(_point, _digest, signature));
        Assert.True(P256.VerifyNative(_point, _digest, _signature));
    }

    [Fact]
    public void Verify_RandomBitFlips_BothAgree()
    {
        for (var i = 0; i < 500; i++)
        {
            var signature = (byte[])_signature.Clone();
            signature[RandomNumberGenerator.GetInt32(signature.Length)] ^= (byte)(
                1 << RandomNumberGenerator.GetInt32(8)
            );
            var point = (byte[])_point.Clone();
            if (i % 2 == 0)
            {
                point[RandomNumberGenerator.GetInt32(point.Length)] ^= (byte)(1 << RandomNumberGenerator.GetInt32(8));
            }

            Assert.Equal(P256.VerifyManaged(point, _digest, signature), P256.VerifyNative(point, _digest, signature));
        }
    }

    [Fact]
    public void Sign_NativeKey_DotNetVerifiesIt()
    {
        using var key = new P256PrivateKey(_key.ExportParameters(includePrivateParameters: true));

        for (var i = 0; i < 100; i++)
        {
            Assert.True(_key.VerifyHash(_digest, key.Sign(_digest), DSASignatureFormat.Rfc3279DerSequence));
        }
    }

    [Fact]
    public void NativeKey_PointNotOnTheCurve_Throws()
    {
        var point = (byte[])_point.Clone();
        point[^1] ^= 1;

        Assert.Throws<CryptographicException>(() => new P256PublicKey(point, native: true));
    }

    private static byte[] PointOf(ECDsa key)
    {
        var q = key.ExportParameters(includePrivateParameters: false).Q;
        return [4, .. q.X!, .. q.Y!];
    }

    private static (BigInteger R, BigInteger S) Read(byte[] signature)
    {
        var reader = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
        return (reader.ReadInteger(), reader.ReadInteger());
    }

    private static byte[] Write(BigInteger r, BigInteger s)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(s);
        }

        return writer.Encode();
    }
}
