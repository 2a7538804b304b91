CREATE TABLE auth_credentials (
  account_id    BINARY(16)   NOT NULL PRIMARY KEY,
  password_hash VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A refresh token is kept as its SHA-256 only: the one that may be exchanged here.
CREATE TABLE auth_sessions (
  id                 BINARY(16)   NOT NULL PRIMARY KEY,
  account_id         BINARY(16)   NOT NULL,
  refresh_token_hash BINARY(32)   NOT NULL,
  user_agent         VARCHAR(255),
  address            VARCHAR(64),
  opened_at          DATETIME(6)  NOT NULL,
  last_used_at       DATETIME(6)  NOT NULL,
  expires_at         DATETIME(6)  NOT NULL,
  ended_at           DATETIME(6),
  CONSTRAINT auth_sessions_end_after_they_begin CHECK (expires_at > opened_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX auth_sessions_refresh_token_hash ON auth_sessions (refresh_token_hash);
CREATE INDEX auth_sessions_by_account ON auth_sessions (account_id, ended_at, last_used_at, id);
CREATE INDEX auth_sessions_by_expiry ON auth_sessions (expires_at);
CREATE INDEX auth_sessions_by_end ON auth_sessions (ended_at);

-- Those that were exchanged: whoever shows one has a copy.
CREATE TABLE auth_spent_refresh_tokens (
  hash       BINARY(32)  NOT NULL PRIMARY KEY,
  session_id BINARY(16)  NOT NULL,
  spent_at   DATETIME(6) NOT NULL,
  CONSTRAINT auth_spent_refresh_tokens_session FOREIGN KEY (session_id) REFERENCES auth_sessions (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX auth_spent_refresh_tokens_by_session ON auth_spent_refresh_tokens (session_id);

-- Tokens that were sent to numbers, as keyed hashes, and what came of them.
CREATE TABLE auth_challenges (
  id              BINARY(16)  NOT NULL PRIMARY KEY,
  phone_number    VARCHAR(16) NOT NULL,
  sequence        INTEGER     NOT NULL,
  -- Whether it is the one of its number that counts. Who waited for its lock may find that it no longer is.
  is_newest       BOOLEAN     NOT NULL,
  purpose         VARCHAR(16) NOT NULL,
  account_id      BINARY(16),
  token_hash      BINARY(32)  NOT NULL,
  requested_at    DATETIME(6) NOT NULL,
  expires_at      DATETIME(6) NOT NULL,
  wrong_tries     INTEGER     NOT NULL,
  failures_before INTEGER     NOT NULL,
  state           VARCHAR(16) NOT NULL,
  decided_at      DATETIME(6),
  version         INTEGER     NOT NULL,
  CONSTRAINT auth_challenges_purpose_is_known CHECK (purpose IN ('SIGNIN', 'SIGNUP')),
  CONSTRAINT auth_challenges_state_is_known CHECK (state IN ('OPEN', 'CONFIRMED', 'SPENT', 'FAILED')),
  CONSTRAINT auth_challenges_decision_is_stamped CHECK ((state = 'OPEN') = (decided_at IS NULL)),
  CONSTRAINT auth_challenges_count_up CHECK (sequence > 0 AND wrong_tries >= 0 AND failures_before >= 0),
  CONSTRAINT auth_challenges_version_is_positive CHECK (version > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Two that are requested at once cannot both be the next one.
CREATE UNIQUE INDEX auth_challenges_sequence ON auth_challenges (phone_number, sequence);
CREATE INDEX auth_challenges_by_account ON auth_challenges (account_id);
CREATE INDEX auth_challenges_by_request ON auth_challenges (requested_at);

CREATE TABLE auth_api_keys (
  id           BINARY(16)   NOT NULL PRIMARY KEY,
  name         VARCHAR(50)  NOT NULL,
  prefix       VARCHAR(32)  NOT NULL,
  key_hash     BINARY(32)   NOT NULL,
  -- Their names, with commas between them.
  scopes       VARCHAR(255) NOT NULL,
  created_by   BINARY(16),
  created_at   DATETIME(6)  NOT NULL,
  expires_at   DATETIME(6),
  last_used_at DATETIME(6),
  revoked_at   DATETIME(6),
  CONSTRAINT auth_api_keys_are_for_something CHECK (scopes <> '')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX auth_api_keys_prefix ON auth_api_keys (prefix);
CREATE INDEX auth_api_keys_by_creation ON auth_api_keys (revoked_at, created_at, id);

-- Numbers whose owners may sign up as staff.
CREATE TABLE auth_allowed_numbers (
  phone_number VARCHAR(16)  NOT NULL PRIMARY KEY,
  description  VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
