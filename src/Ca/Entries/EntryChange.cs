namespace MeshCA.Ca.Entries;

/// <summary>A committed change of one entry; null before = created, null after = deleted.</summary>
internal readonly record struct EntryChange(
    long Revision,
    string Id,
    RegistrationEntry? Before,
    RegistrationEntry? After
);
