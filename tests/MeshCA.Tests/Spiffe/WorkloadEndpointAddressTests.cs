using System.Text.Json;
using FsCheck.Xunit;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>Vectors/workload-endpoint-address.json: inputs of go-spiffe's address tests and SPIFFE_Workload_Endpoint.md section 4.</summary>
public sealed class WorkloadEndpointAddressTests
{
    // go-spiffe takes it; the standard says that the authority must not be set, and so do we.
    private const string RefusedByTheStandard = "unix://foo";

    private static readonly JsonElement _vectors = VectorFile.Open("workload-endpoint-address");

    public static TheoryData<int, string> Vectors => VectorFile.Rows(_vectors, "input");

    [Theory]
    [MemberData(nameof(Vectors))]
    public void TryParse_Vector_AsExpected(int row, string input)
    {
        var valid = _vectors[row].Flag("valid") && input != RefusedByTheStandard;

        Assert.Equal(valid, WorkloadEndpointAddress.TryParse(input, out var address));
        Assert.Equal(valid ? input : null, address?.ToString());
    }

    [Theory]
    [InlineData("unix:///run/meshca/agent.sock", "/run/meshca/agent.sock", "unix:///run/meshca/agent.sock")]
    [InlineData("unix:/run/a.sock", "/run/a.sock", "unix:///run/a.sock")]
    [InlineData("unix:///tmp/a%20b/c%25.sock", "/tmp/a b/c%.sock", "unix:///tmp/a%20b/c%25.sock")]
    public void Parse_Unix_HasAPath(string text, string path, string printed)
    {
        var address = WorkloadEndpointAddress.Parse(text);

        Assert.Equal((path, printed), (address.SocketPath, address.ToString()));
        Assert.Null(address.EndPoint);
    }

    [Theory]
    [InlineData("tcp://127.0.0.1:8081", "127.0.0.1:8081")]
    [InlineData("tcp://[::1]:8081", "[::1]:8081")]
    public void Parse_Tcp_HasAnEndPoint(string text, string endPoint)
    {
        var address = WorkloadEndpointAddress.Parse(text);

        Assert.Equal(endPoint, address.EndPoint?.ToString());
        Assert.Equal(text, address.ToString());
        Assert.Null(address.SocketPath);
    }

    [Theory]
    [InlineData("", "it starts with neither unix: nor tcp:")]
    [InlineData("/run/agent.sock", "it starts with neither unix: nor tcp:")]
    [InlineData("UNIX:///a", "it starts with neither unix: nor tcp:")]
    [InlineData("unix://foo", "it has no absolute path; write it as unix:///run/meshca/agent.sock")]
    [InlineData("unix:///", "it has no absolute path; write it as unix:///run/meshca/agent.sock")]
    [InlineData("unix:///a%00b", "it has a control character")]
    [InlineData("unix:///\u00e9", "it has a character outside ASCII; percent-encode it")]
    [InlineData("unix:///a?x", "it has a query or a fragment")]
    [InlineData("tcp:1.2.3.4:5", "it has no host; write it as tcp://127.0.0.1:8081")]
    [InlineData("tcp://u@1.2.3.4:5", "it has a user name")]
    [InlineData("tcp://1.2.3.4:5/", "a tcp address has no path")]
    [InlineData("tcp://1.2.3.4", "the port is missing or not from 1 to 65535")]
    [InlineData("tcp://1.2.3.4:0", "the port is missing or not from 1 to 65535")]
    [InlineData("tcp://1.2.3.4:65536", "the port is missing or not from 1 to 65535")]
    [InlineData("tcp://1.2.3.4:+5", "the port is missing or not from 1 to 65535")]
    [InlineData("tcp://localhost:5", "the host is not an IP address")]
    [InlineData("tcp://127.1:5", "the host is not an IP address")]
    [InlineData("tcp://::1:5", "the host is not an IP address")]
    [InlineData("tcp://[1.2.3.4]:5", "the host is not an IP address")]
    public void Parse_BadInput_SaysWhy(string text, string reason)
    {
        var error = Assert.Throws<FormatException>(() => WorkloadEndpointAddress.Parse(text));

        Assert.Equal($"'{text}' is not a Workload API address: {reason}", error.Message);
    }

    [Property(MaxTest = 1000)]
    public void Parse_AnyText_ThrowsFormatExceptionOrIsAFixedPoint(string? text, bool tcp)
    {
        var error = Record.Exception(() =>
        {
            var address = WorkloadEndpointAddress.Parse((tcp ? "tcp://" : "unix:///") + text);
            Assert.Equal(address, WorkloadEndpointAddress.Parse(address.ToString()));
        });

        Assert.True(error is null or FormatException, $"{text}: {error}");
    }
}
