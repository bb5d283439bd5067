using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace MeshCA.Tests.Sds;

/// <summary>The <c>:authority</c> values that real gRPC clients send over Unix sockets, in hand-made HTTP/2 frames.</summary>
public sealed class AuthorityTests
{
    private const byte Headers = 1;
    private const byte ResetStream = 3;
    private const byte Settings = 4;
    private const byte GoAway = 7;
    private const byte EndHeaders = 4;

    [Theory]
    [InlineData("localhost", "http")]
    [InlineData("/run/meshca/agent.sock", "http")]
    [InlineData("run%2Fmeshca%2Fagent.sock", "http")]
    [InlineData("%2Frun%2Fmeshca%2Fagent.sock", "http")]
    [InlineData("outbound|443||x", "http")]
    [InlineData("unix:///run/meshca/agent.sock", "http")]
    [InlineData("", "http")]
    [InlineData("meshca_agent", "http")]
    [InlineData("localhost", "https")]
    public async Task Request_WithThatAuthority_IsServed(string authority, string scheme)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await SdsHost.StartAsync(ct);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(host.SocketPath), ct);
        await using var connection = new NetworkStream(socket);

        await connection.WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ct);
        await connection.WriteAsync(Frame(Settings, 0, 0, []), ct);
        await connection.WriteAsync(Frame(Headers, EndHeaders, 1, RequestHeaders(authority, scheme)), ct);

        var first = await FirstFrameOfStreamAsync(connection, ct).WaitAsync(TimeSpan.FromSeconds(10), ct);
        Assert.Equal(Headers, first);
    }

    /// <summary>HPACK (RFC 7541) without Huffman coding or indexing.</summary>
    private static byte[] RequestHeaders(string authority, string scheme)
    {
        var block = new MemoryStream();
        (string Name, string Value)[] fields =
        [
            (":method", "POST"),
            (":scheme", scheme),
            (":path", "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets"),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ];
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0);
            block.WriteByte((byte)name.Length);
            block.Write(Encoding.ASCII.GetBytes(name));
            block.WriteByte((byte)value.Length);
            block.Write(Encoding.ASCII.GetBytes(value));
        }

        return block.ToArray();
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)payload.Length);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static async Task<byte> FirstFrameOfStreamAsync(Stream connection, CancellationToken ct)
    {
        var header = new byte[9];
        while (true)
        {
            await connection.ReadExactlyAsync(header, ct);
            var payload = new byte[(header[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(1))];
            await connection.ReadExactlyAsync(payload, ct);
            if (header[3] is Headers or ResetStream or GoAway)
            {
                return header[3];
            }
        }
    }
}
