-- Every certificate that was issued, in the order of issue.
CREATE TABLE identities (
    sequence INTEGER PRIMARY KEY,
    serial_number BLOB NOT NULL UNIQUE,
    -- IssuanceKind
    kind INTEGER NOT NULL,
    spiffe_id TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    -- The issuing authority's subject key identifier, lower-case hex.
    authority_id TEXT NOT NULL,
    -- The SPIFFE ID of who asked.
    agent TEXT NOT NULL,
    entry_id TEXT
) STRICT;

-- Few indices, since each issuance pays for each: one on spiffe_id would cost as much as all the rest of the ledger, for it
-- dirties a page of its own for nearly every row. Questions by name, agent or authority read the rows in their order.
CREATE INDEX identities_not_after ON identities (not_after);

-- Append-only: a row's hash covers the row and the hash before it, so none can be changed or taken out unseen.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    event TEXT NOT NULL,
    -- A JSON object.
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- CA certificates, roots and issuing ones; their keys are with their signers.
CREATE TABLE authorities (
    -- Subject key identifier, lower-case hex.
    id TEXT PRIMARY KEY,
    -- Null for a root.
    parent_id TEXT,
    state TEXT NOT NULL,
    certificate BLOB NOT NULL,
    signer_name TEXT NOT NULL,
    signer_kind TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
