namespace MeshCA.EndToEndTests.Parts;

/// <summary>Tests that print figures: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
