namespace MeshCA.EndToEndTests.Parts;

/// <summary>The test process as the agent sees it.</summary>
internal static class Self
{
    public static string Uid { get; } =
        File.ReadAllLines("/proc/self/status")
            .First(static l => l.StartsWith("Uid:", StringComparison.Ordinal))
            .Split('\t')[1];
}
