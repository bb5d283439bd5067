using System.Diagnostics.Metrics;
using System.Reflection;
using MeshCA.Hosting;

namespace MeshCA.Tests.Hosting;

public sealed class MetersTests
{
    /// <summary>Whoever adds a meter is told here that <c>/metrics</c> does not show it yet.</summary>
    [Fact]
    public void Meters_OfOurProjects_AreAllExported()
    {
        var names = typeof(Management)
            .Assembly.GetReferencedAssemblies()
            .Where(static a => a.Name!.StartsWith("MeshCA.", StringComparison.Ordinal))
            .Select(Assembly.Load)
            .Append(typeof(Management).Assembly)
            .SelectMany(static a => a.GetTypes())
            .SelectMany(static t => t.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
            .Where(static f => f.FieldType == typeof(Meter))
            .Select(static f => ((Meter)f.GetValue(null)!).Name)
            .ToList();

        Assert.NotEmpty(names);
        Assert.All(names, static name => Assert.Contains(name, Management.Meters));
    }
}
