using System.Text.Json;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Spiffe;

/// <summary>
/// Vectors/spiffe-id.json and spiffe-path.json: inputs of go-spiffe's spiffeid tests and SPIRE's idutil tests, and the
/// examples of SPIFFE-ID section 2.
/// </summary>
public sealed class SpiffeIdTests
{
    private static readonly JsonElement _ids = VectorFile.Open("spiffe-id");
    private static readonly JsonElement _paths = VectorFile.Open("spiffe-path");
    private static readonly TrustDomain _td = TrustDomain.Parse("trustdomain");

    public static TheoryData<int, string> Ids => VectorFile.Rows(_ids, "source");

    public static TheoryData<int, string> Segments => VectorFile.Rows(_paths.GetProperty("fromSegments"), "segments");

    public static TheoryData<int, string> Paths => VectorFile.Rows(_paths.GetProperty("fromPath"), "path");

    public static TheoryData<int, string> Appends => VectorFile.Rows(_paths.GetProperty("appendPath"), "append");

    public static TheoryData<int, string> Replacements => VectorFile.Rows(_paths.GetProperty("replacePath"), "replace");

    public static TheoryData<int, string> Members => VectorFile.Rows(_paths.GetProperty("memberOf"), "id");

    public static TheoryData<int, string> Roles => VectorFile.Rows(_paths.GetProperty("spireRoles"), "id");

    [Theory]
    [MemberData(nameof(Ids))]
    public void TryParse_Vector_AsExpected(int row, string source)
    {
        var vector = _ids[row];
        var input = vector.Text("input");

        var valid = SpiffeId.TryParse(input, out var id);

        Assert.True(vector.Flag("valid") == valid, $"{source}: {input}");
        if (valid)
        {
            Assert.Equal(input, id.ToString());
            Assert.Equal(vector.Text("trustDomain"), id.TrustDomain.Name);
            Assert.Equal(vector.Text("path"), id.Path.ToString());
            Assert.Equal(id, SpiffeId.Parse(input));
        }
        else
        {
            Assert.True(id.IsDefault);
            Assert.Throws<FormatException>(() => SpiffeId.Parse(input));
        }
    }

    [Theory]
    [MemberData(nameof(Segments))]
    public void OfSegments_Vector_AsExpected(int row, string segments)
    {
        var vector = _paths.GetProperty("fromSegments")[row];
        var parts = vector.GetProperty("segments").EnumerateArray().Select(s => s.GetString()!).ToArray();

        AssertPath(vector, segments, () => SpiffeId.OfSegments(_td, parts));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Of_Vector_AsExpected(int row, string path)
    {
        var vector = _paths.GetProperty("fromPath")[row];

        if (vector.Flag("valid"))
        {
            Assert.Equal(path, SpiffeId.Of(_td, path).Path.ToString());
        }
        else
        {
            Assert.Throws<FormatException>(() => SpiffeId.Of(_td, path));
        }
    }

    [Theory]
    [MemberData(nameof(Appends))]
    public void Append_Vector_AsExpected(int row, string append)
    {
        var vector = _paths.GetProperty("appendPath")[row];

        AssertPath(vector, append, () => SpiffeId.Of(_td, vector.Text("base")).Append(append));
    }

    [Theory]
    [MemberData(nameof(Replacements))]
    public void Of_ReplacedPath_AsExpected(int row, string replace)
    {
        var vector = _paths.GetProperty("replacePath")[row];
        var before = SpiffeId.Of(_td, vector.Text("base"));

        AssertPath(vector, replace, () => SpiffeId.Of(before.TrustDomain, replace));
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void IsMemberOf_Vector_AsExpected(int row, string id)
    {
        var vector = _paths.GetProperty("memberOf")[row];

        var member = SpiffeId.Parse(id).IsMemberOf(TrustDomain.Parse(vector.Text("trustDomain")));

        Assert.Equal(vector.Flag("member"), member);
    }

    /// <summary>SPIRE reserves /spire as we reserve /meshca: the same rows with our name in them.</summary>
    [Theory]
    [MemberData(nameof(Roles))]
    public void IsReserved_RoleVectorUnderOurName_AsExpected(int row, string spireId)
    {
        var vector = _paths.GetProperty("spireRoles")[row];
        var id = SpiffeId.Parse(spireId.Replace("/spire", "/meshca", StringComparison.Ordinal));
        var member = id.IsMemberOf(TrustDomain.Parse(vector.Text("trustDomain"))) && !id.Path.IsEmpty;

        Assert.Equal(vector.Flag("member"), member);
        Assert.Equal(vector.Flag("workload"), member && !id.IsReserved);
        Assert.Equal(vector.Flag("agent"), member && ReservedIds.IsAgent(id));
    }

    [Theory]
    [InlineData("", "'' is not a SPIFFE ID: it does not start with spiffe://")]
    [InlineData("spiffe:///x", "'spiffe:///x' is not a SPIFFE ID: the trust domain is missing")]
    [InlineData(
        "spiffe://A/x",
        "'spiffe://A/x' is not a SPIFFE ID: the trust domain has a character outside [a-z0-9._-]"
    )]
    [InlineData("spiffe://a/", "'spiffe://a/' is not a SPIFFE ID: the path ends with '/'")]
    [InlineData("spiffe://a//b", "'spiffe://a//b' is not a SPIFFE ID: the path has an empty segment")]
    [InlineData("spiffe://a/../b", "'spiffe://a/../b' is not a SPIFFE ID: the path has a segment '.' or '..'")]
    [InlineData(
        "spiffe://a/%41",
        "'spiffe://a/%41' is not a SPIFFE ID: the path has a character outside [a-zA-Z0-9._-]"
    )]
    [InlineData("x\n\u001b[2J", "'x\ufffd\ufffd[2J' is not a SPIFFE ID: it does not start with spiffe://")]
    public void Parse_BadInput_SaysWhy(string input, string message)
    {
        var error = Assert.Throws<FormatException>(() => SpiffeId.Parse(input));

        Assert.Equal(message, error.Message);
    }

    [Theory]
    [InlineData(2048, 11, true)]
    [InlineData(2049, 11, false)]
    [InlineData(400, 255, true)]
    [InlineData(400, 256, false)]
    public void TryParse_AtTheLimits_BoundsLengths(int length, int trustDomainLength, bool valid)
    {
        var id = "spiffe://" + new string('d', trustDomainLength) + "/";

        Assert.Equal(valid, SpiffeId.TryParse(id + new string('p', length - id.Length), out _));
    }

    [Fact]
    public void ReservedIds_Made_AreOfTheirKind()
    {
        var agent = ReservedIds.Agent(_td, "join_token", "a1");
        var server = ReservedIds.Server(_td);

        Assert.Equal("spiffe://trustdomain/meshca/agent/join_token/a1", agent.ToString());
        Assert.Equal("spiffe://trustdomain/meshca/server", server.ToString());
        Assert.True(ReservedIds.IsAgent(agent) && agent.IsReserved && !ReservedIds.IsServer(agent));
        Assert.True(ReservedIds.IsServer(server) && server.IsReserved && !ReservedIds.IsAgent(server));
        Assert.Throws<FormatException>(() => ReservedIds.Agent(_td, "join_token", "a/../b"));
    }

    private static void AssertPath(JsonElement vector, string input, Func<SpiffeId> make)
    {
        if (vector.Flag("valid"))
        {
            Assert.Equal(vector.Text("path"), make().Path.ToString());
        }
        else
        {
            Assert.True(Record.Exception(() => make()) is FormatException, input);
        }
    }
}
