CREATE TABLE auth_credentials (
  account_id    BINARY(16)   NOT NULL PRIMARY KEY,
  password_hash VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A refresh token is kept as its SHA-256 only.
CREATE TABLE auth_sessions (
  id                 BINARY(16)  NOT NULL PRIMARY KEY,
  account_id         BINARY(16)  NOT NULL,
  refresh_token_hash BINARY(32)  NOT NULL,
  opened_at          DATETIME(6) NOT NULL,
  expires_at         DATETIME(6) NOT NULL,
  CONSTRAINT auth_sessions_end_after_they_begin CHECK (expires_at > opened_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX auth_sessions_refresh_token_hash ON auth_sessions (refresh_token_hash);
CREATE INDEX auth_sessions_by_account ON auth_sessions (account_id, opened_at, id);
CREATE INDEX auth_sessions_by_expiry ON auth_sessions (expires_at);
