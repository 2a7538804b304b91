CREATE TABLE auth_credentials (
  account_id    BLOB    NOT NULL PRIMARY KEY,
  password_hash TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- A refresh token is kept as its SHA-256 only.
CREATE TABLE auth_sessions (
  id                 BLOB    NOT NULL PRIMARY KEY,
  account_id         BLOB    NOT NULL,
  refresh_token_hash BLOB    NOT NULL,
  opened_at          TEXT    NOT NULL,
  expires_at         TEXT    NOT NULL,
  CONSTRAINT auth_sessions_end_after_they_begin CHECK (expires_at > opened_at)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX auth_sessions_refresh_token_hash ON auth_sessions (refresh_token_hash);
CREATE INDEX auth_sessions_by_account ON auth_sessions (account_id, opened_at, id);
CREATE INDEX auth_sessions_by_expiry ON auth_sessions (expires_at);
