namespace MeshCA.Configuration;

/// <summary>Keys joined by dots, as errors and the documentation write them.</summary>
internal static class ConfigPath
{
    private const int MaxKey = 64;

    public static string Join(string path, string key)
    {
        var shown = key.Length > MaxKey ? key[..MaxKey] + "…" : key;
        shown = string.Concat(shown.Select(static c => char.IsControl(c) ? '\ufffd' : c));
        return path.Length == 0 ? shown : $"{path}.{shown}";
    }
}
