using System.CommandLine;
using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Admin;

/// <summary><c>meshca bundle …</c>: the trust domain's own bundle and federated ones.</summary>
internal static class BundleCommands
{
    private const string Path = "/v1/bundles";
    private const string PemType = "application/pem-certificate-chain";

    /// <summary>As much as the server takes.</summary>
    private const int MaxFileSize = 64 * 1024;

    public static Command Build() =>
        new("bundle", "Trust bundles, our own and federated ones") { Show(), List(), Set(), Delete() };

    private static Command Show()
    {
        var trustDomain = new Argument<string?>("TRUSTDOMAIN")
        {
            Description = "Whose; the server's own if absent",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return AdminCommand.Create(
            "show",
            "Print a bundle: its root certificates as PEM, or as SPIFFE JWKS with -o json",
            [trustDomain],
            async (call, ct) =>
            {
                var name =
                    call.Args.GetValue(trustDomain)
                    ?? (string?)(await call.Client.GetJsonAsync("/v1/version", ct))["trustDomain"]
                    ?? "";
                if (call.Format == OutputFormats.Json)
                {
                    await call.Out.WriteAsync(OutputFormats.ToJson(await call.Client.GetJsonAsync(PathOf(name), ct)));
                }
                else
                {
                    await call.Out.WriteAsync((await call.Client.GetAsync(PathOf(name), ct, PemType)).Body);
                }

                return 0;
            },
            OutputFormats.OfBundle
        );
    }

    private static Command List() =>
        AdminCommand.Create(
            "list",
            "All bundles",
            [],
            async (call, ct) =>
            {
                await call.WriteListAsync(
                    await call.Client.ListAsync(Path, "", ct),
                    ("TRUST DOMAIN", "trustDomain"),
                    ("FEDERATED", "federated"),
                    ("SEQUENCE", "sequenceNumber"),
                    ("ROOTS", "x509Authorities"),
                    ("JWT KEYS", "jwtAuthorities")
                );
                return 0;
            }
        );

    private static Command Set()
    {
        var trustDomain = TrustDomainArgument();
        var file = new Option<string>("--file", "-f")
        {
            Description = "PEM certificates or a SPIFFE JWKS document; - for standard input",
            HelpName = "FILE",
            Required = true,
        };
        return AdminCommand.Create(
            "set",
            "Trust a foreign trust domain: entries that federate with it are given this bundle",
            [trustDomain, file],
            async (call, ct) =>
            {
                var name = call.Args.GetRequiredValue(trustDomain);
                var text = await ReadAsync(call.Args.GetRequiredValue(file), ct);
                var json = text.AsSpan().TrimStart().StartsWith('{') ? text : FromPem(name, text);
                await call.Client.PutAsync(PathOf(name), json, ifMatch: null, ct);
                await call.SayAsync($"set the bundle of {name}");
                return 0;
            }
        );
    }

    private static Command Delete()
    {
        var trustDomain = TrustDomainArgument();
        return AdminCommand.Create(
            "delete",
            "Forget a foreign trust domain: its bundle is taken from every workload",
            [trustDomain],
            async (call, ct) =>
            {
                var name = call.Args.GetRequiredValue(trustDomain);
                await call.Client.DeleteAsync(PathOf(name), ct);
                await call.SayAsync($"deleted the bundle of {name}");
                return 0;
            }
        );
    }

    private static Argument<string> TrustDomainArgument() =>
        new("TRUSTDOMAIN") { Description = "Such as partner.example" };

    private static string PathOf(string trustDomain) => $"{Path}/{Uri.EscapeDataString(trustDomain)}";

    private static async Task<string> ReadAsync(string file, CancellationToken ct)
    {
        try
        {
            if (file == "-")
            {
                return await Console.In.ReadToEndAsync(ct);
            }

            return new FileInfo(file).Length > MaxFileSize
                ? throw new AdminException($"{file} is larger than {MaxFileSize} bytes; that is no bundle")
                : await File.ReadAllTextAsync(file, ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AdminException($"{file} cannot be read: {e.Message}", ExitCodes.Usage, e);
        }
    }

    /// <summary>Done here, so that the file's line is known when it is wrong, and the API takes one form.</summary>
    private static string FromPem(string trustDomain, string pem)
    {
        try
        {
            return Encoding.UTF8.GetString(
                SpiffeBundleJson.Write(TrustBundle.ParsePem(TrustDomain.Parse(trustDomain), pem))
            );
        }
        catch (Exception e) when (e is FormatException or MeshCaException)
        {
            throw new AdminException(e.Message, ExitCodes.Refused, e);
        }
    }
}
