namespace MeshCA.Commands;

/// <summary>The command line is wrong in a way that its parser cannot see, such as two options that exclude each other.</summary>
internal sealed class UsageException(string message) : Exception(message);
