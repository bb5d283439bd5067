using System.Runtime.CompilerServices;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>Finds a program that nobody here wrote. Where it is absent the test is skipped with the reason, or fails where it is required.</summary>
internal static class RealPart
{
    /// <summary>The repository's root, found from where this file was compiled.</summary>
    public static readonly string Repository = Root();

    public static string Envoy => Find("envoy", "ENVOY_BIN", "envoy", "../shared/tools/envoy/envoy");

    public static string SpiffeClient =>
        Find("spiffe-client", "SPIFFE_CLIENT_BIN", "spiffe-client", "../shared/tools/spiffe-client/spiffe-client");

    public static string SdsLoad => Find("sds-load", "SDS_LOAD_BIN", "sds-load", "../shared/tools/sds-load/sds-load");

    public static string Zlint => Find("zlint", "ZLINT_BIN", "zlint");

    public static string OpenSsl => Find("openssl", "OPENSSL_BIN", "openssl");

    /// <summary>Runs a program as another user; needs root.</summary>
    public static string SetPriv
    {
        get
        {
            var path = Find("setpriv", "SETPRIV_BIN", "setpriv");
            Missing("root", Environment.IsPrivilegedProcess, "two workloads of two uids need a test run as root");
            return path;
        }
    }

    private static string Find(string part, string variable, string command, string? beside = null)
    {
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable(variable),
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, command)),
            beside is null ? null : Path.GetFullPath(Path.Combine(Repository, beside)),
        ];
        var found = Array.Find(candidates, File.Exists);
        Missing(part, found is not null, $"{part} is not on this machine: set {variable} or put it on PATH");
        return found!;
    }

    private static void Missing(string part, bool present, string reason)
    {
        if (present)
        {
            return;
        }

        var required = (Environment.GetEnvironmentVariable("MESHCA_REQUIRE") ?? "").Split(',');
        if (required.Contains(part, StringComparer.Ordinal) || required.Contains("all", StringComparer.Ordinal))
        {
            Assert.Fail($"{reason} (MESHCA_REQUIRE names it)");
        }

        Assert.Skip(reason);
    }

    private static string Root([CallerFilePath] string file = "")
    {
        // The compiler may have been told to hide the real path; the program's own folder leads there too.
        for (
            var dir = new DirectoryInfo(File.Exists(file) ? Path.GetDirectoryName(file)! : AppContext.BaseDirectory);
            dir is not null;
            dir = dir.Parent
        )
        {
            if (File.Exists(Path.Combine(dir.FullName, "MeshCA.sln")))
            {
                return dir.FullName;
            }
        }

        throw new InvalidOperationException("MeshCA.sln is in no folder above the tests");
    }
}
