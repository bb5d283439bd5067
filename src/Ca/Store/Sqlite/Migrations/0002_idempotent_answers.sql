-- Answers to POST requests that carried an Idempotency-Key, for as long as the same request may come again.
CREATE TABLE idempotent_answers (
    -- SHA-256 over caller, method, path and key: the key itself is stored nowhere, for the answer is sealed with it.
    request_hash BLOB PRIMARY KEY,
    -- SHA-256 over the body.
    body_hash BLOB NOT NULL,
    -- AES-256-GCM, since an answer may carry a secret such as a join token.
    answer BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotent_answers_created_at ON idempotent_answers (created_at);
