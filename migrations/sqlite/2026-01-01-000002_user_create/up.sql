-- Text compares letter by letter here unless told otherwise.
CREATE TABLE user_users (
  id              BLOB    NOT NULL PRIMARY KEY,
  username        TEXT    NOT NULL,
  phone_number    TEXT,
  email           TEXT,
  user_type       TEXT    NOT NULL,
  is_staff        INTEGER NOT NULL,
  is_superuser    INTEGER NOT NULL,
  is_active       INTEGER NOT NULL,
  is_banned       INTEGER NOT NULL,
  full_name       TEXT,
  date_of_birth   TEXT,
  image           TEXT,
  joined_at       TEXT    NOT NULL,
  unregistered_at TEXT,
  version         INTEGER NOT NULL,
  CONSTRAINT user_users_type_is_known CHECK (user_type IN ('STAFF', 'DRIVER')),
  CONSTRAINT user_users_superuser_has_the_staff_flag CHECK (is_staff OR NOT is_superuser),
  CONSTRAINT user_users_active_is_neither_banned_nor_gone
    CHECK (NOT is_active OR (NOT is_banned AND unregistered_at IS NULL)),
  CONSTRAINT user_users_version_is_positive CHECK (version > 0)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX user_users_username ON user_users (username);
CREATE UNIQUE INDEX user_users_phone_number ON user_users (phone_number);
CREATE INDEX user_users_by_joining ON user_users (joined_at, id);
CREATE INDEX user_users_by_type ON user_users (user_type, joined_at, id);

CREATE TABLE user_permission_groups (
  user_id BLOB    NOT NULL,
  name    TEXT    NOT NULL,
  PRIMARY KEY (user_id, name),
  FOREIGN KEY (user_id) REFERENCES user_users (id)
) STRICT, WITHOUT ROWID;
