using MeshCA.Spiffe;

namespace MeshCA.Commands;

/// <summary>Reads option values; what is wrong is wrong usage.</summary>
internal static class Options
{
    public static TimeSpan Duration(string text, string option)
    {
        try
        {
            var value = GoDuration.Parse(text);
            return value > TimeSpan.Zero ? value : throw new UsageException($"{option}: it must be more than zero");
        }
        catch (FormatException e)
        {
            throw new UsageException($"{option}: {e.Message}");
        }
    }
}
