CREATE TABLE auth_credentials (
  account_id    BLOB    NOT NULL PRIMARY KEY,
  password_hash TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- A refresh token is kept as its SHA-256 only: the one that may be exchanged here.
CREATE TABLE auth_sessions (
  id                 BLOB    NOT NULL PRIMARY KEY,
  account_id         BLOB    NOT NULL,
  refresh_token_hash BLOB    NOT NULL,
  user_agent         TEXT,
  address            TEXT,
  opened_at          TEXT    NOT NULL,
  last_used_at       TEXT    NOT NULL,
  expires_at         TEXT    NOT NULL,
  ended_at           TEXT,
  CONSTRAINT auth_sessions_end_after_they_begin CHECK (expires_at > opened_at)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX auth_sessions_refresh_token_hash ON auth_sessions (refresh_token_hash);
CREATE INDEX auth_sessions_by_account ON auth_sessions (account_id, ended_at, last_used_at, id);
CREATE INDEX auth_sessions_by_expiry ON auth_sessions (expires_at);
CREATE INDEX auth_sessions_by_end ON auth_sessions (ended_at);

-- Those that were exchanged: whoever shows one has a copy.
CREATE TABLE auth_spent_refresh_tokens (
  hash       BLOB    NOT NULL PRIMARY KEY,
  session_id BLOB    NOT NULL,
  spent_at   TEXT    NOT NULL,
  FOREIGN KEY (session_id) REFERENCES auth_sessions (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX auth_spent_refresh_tokens_by_session ON auth_spent_refresh_tokens (session_id);

-- Tokens that were sent to numbers, as keyed hashes, and what came of them.
CREATE TABLE auth_challenges (
  id              BLOB    NOT NULL PRIMARY KEY,
  phone_number    TEXT    NOT NULL,
  sequence        INTEGER NOT NULL,
  -- Whether it is the one of its number that counts. Who waited for its lock may find that it no longer is.
  is_newest       INTEGER NOT NULL,
  purpose         TEXT    NOT NULL,
  account_id      BLOB,
  token_hash      BLOB    NOT NULL,
  requested_at    TEXT    NOT NULL,
  expires_at      TEXT    NOT NULL,
  wrong_tries     INTEGER NOT NULL,
  failures_before INTEGER NOT NULL,
  state           TEXT    NOT NULL,
  decided_at      TEXT,
  version         INTEGER NOT NULL,
  CONSTRAINT auth_challenges_purpose_is_known CHECK (purpose IN ('SIGNIN', 'SIGNUP')),
  CONSTRAINT auth_challenges_state_is_known CHECK (state IN ('OPEN', 'CONFIRMED', 'SPENT', 'FAILED')),
  CONSTRAINT auth_challenges_decision_is_stamped CHECK ((state = 'OPEN') = (decided_at IS NULL)),
  CONSTRAINT auth_challenges_count_up CHECK (sequence > 0 AND wrong_tries >= 0 AND failures_before >= 0),
  CONSTRAINT auth_challenges_version_is_positive CHECK (version > 0)
) STRICT, WITHOUT ROWID;

-- Two that are requested at once cannot both be the next one.
CREATE UNIQUE INDEX auth_challenges_sequence ON auth_challenges (phone_number, sequence);
CREATE INDEX auth_challenges_by_account ON auth_challenges (account_id);
CREATE INDEX auth_challenges_by_request ON auth_challenges (requested_at);

CREATE TABLE auth_api_keys (
  id           BLOB    NOT NULL PRIMARY KEY,
  name         TEXT    NOT NULL,
  prefix       TEXT    NOT NULL,
  key_hash     BLOB    NOT NULL,
  -- Their names, with commas between them.
  scopes       TEXT    NOT NULL,
  created_by   BLOB,
  created_at   TEXT    NOT NULL,
  expires_at   TEXT,
  last_used_at TEXT,
  revoked_at   TEXT,
  CONSTRAINT auth_api_keys_are_for_something CHECK (scopes <> '')
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX auth_api_keys_prefix ON auth_api_keys (prefix);
CREATE INDEX auth_api_keys_by_creation ON auth_api_keys (revoked_at, created_at, id);

-- Numbers whose owners may sign up as staff.
CREATE TABLE auth_allowed_numbers (
  phone_number TEXT    NOT NULL PRIMARY KEY,
  description  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
