-- Times are Unix milliseconds, durations milliseconds, SPIFFE IDs and trust domains their text.

CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Random, made once: an agent that resumes names it, so that a revision of another store is never taken for ours.
    store_id TEXT NOT NULL,
    -- Grows by one with each row of changes, in commit order.
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO store (id, store_id, revision) VALUES (1, lower(hex(randomblob(16))), 0);

-- What changed, so that an agent can go on from the revision it holds. Only the newest rows are kept.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    -- ChangeKind
    kind INTEGER NOT NULL,
    -- An entry's id or a bundle's trust domain.
    key TEXT NOT NULL
) STRICT;

CREATE TABLE entries (
    id TEXT PRIMARY KEY,
    -- SHA-256 over SPIFFE ID, parent and set of selectors, which together are unique.
    fingerprint BLOB NOT NULL UNIQUE,
    spiffe_id TEXT NOT NULL,
    parent_id TEXT,
    -- JSON, as are the other lists.
    selectors TEXT NOT NULL,
    x509_svid_ttl INTEGER,
    jwt_svid_ttl INTEGER,
    dns_names TEXT NOT NULL,
    federates_with TEXT NOT NULL,
    hint TEXT NOT NULL,
    labels TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bundles (
    trust_domain TEXT PRIMARY KEY,
    -- A meshca.v1.Bundle message, as agents are sent it.
    bundle BLOB NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    spiffe_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    version TEXT NOT NULL,
    attested_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    serial_number TEXT NOT NULL,
    svid_not_after INTEGER NOT NULL,
    banned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE join_tokens (
    -- SHA-256 of the token, which is stored nowhere.
    token_hash BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Null until redeemed, then the agent that the token made and SHA-256 of its public key.
    agent_id TEXT,
    key_hash BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX join_tokens_expires_at ON join_tokens (expires_at);
