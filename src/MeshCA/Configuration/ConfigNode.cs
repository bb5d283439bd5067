namespace MeshCA.Configuration;

/// <summary>A value of a configuration file and the line it starts on.</summary>
internal abstract record ConfigNode(int Line);

/// <summary>One value.</summary>
/// <param name="Line">1-based.</param>
/// <param name="Text">What it says, quotes removed.</param>
/// <param name="IsQuoted">True: it is text whatever it looks like.</param>
internal sealed record ConfigScalar(int Line, string Text, bool IsQuoted) : ConfigNode(Line)
{
    /// <summary>Nothing, <c>~</c> or <c>null</c> (YAML 1.2 section 10.3.2).</summary>
    public bool IsNull => !IsQuoted && Text is "" or "~" or "null" or "Null" or "NULL";

    public bool IsBool => !IsQuoted && Text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE";
}

internal sealed record ConfigList(int Line, IReadOnlyList<ConfigNode> Items) : ConfigNode(Line);

/// <summary>Entries in the order of the file; keys are unique.</summary>
internal sealed record ConfigMap(int Line, IReadOnlyList<ConfigEntry> Entries) : ConfigNode(Line);

/// <summary>One line of a map; the line is the key's.</summary>
internal sealed record ConfigEntry(int Line, string Key, ConfigNode Value);
