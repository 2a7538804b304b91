-- Text compares letter by letter here unless told otherwise.
CREATE TABLE user_users (
  id                 BLOB    NOT NULL PRIMARY KEY,
  username           TEXT    NOT NULL,
  phone_number       TEXT,
  email              TEXT,
  user_type          TEXT    NOT NULL,
  is_staff           INTEGER NOT NULL,
  is_superuser       INTEGER NOT NULL,
  is_active          INTEGER NOT NULL,
  is_banned          INTEGER NOT NULL,
  full_name          TEXT,
  date_of_birth      TEXT,
  image              TEXT,
  locale             TEXT    NOT NULL,
  joined_at          TEXT    NOT NULL,
  -- Since when the account cannot be used, whatever the reason.
  deactivated_at     TEXT,
  unregistered_at    TEXT,
  -- What is left of the number of somebody who was banned: a keyed hash.
  banned_number_hash BLOB,
  version            INTEGER NOT NULL,
  CONSTRAINT user_users_type_is_known CHECK (user_type IN ('STAFF', 'DRIVER')),
  CONSTRAINT user_users_superuser_has_the_staff_flag CHECK (is_staff OR NOT is_superuser),
  CONSTRAINT user_users_deactivation_is_stamped CHECK (is_active = (deactivated_at IS NULL)),
  CONSTRAINT user_users_active_is_neither_banned_nor_gone
    CHECK (NOT is_active OR (NOT is_banned AND unregistered_at IS NULL)),
  CONSTRAINT user_users_is_banned_or_gone_but_not_both CHECK (NOT is_banned OR unregistered_at IS NULL),
  CONSTRAINT user_users_only_the_banned_leave_a_hash CHECK (is_banned OR banned_number_hash IS NULL),
  CONSTRAINT user_users_closed_accounts_tell_nothing
    CHECK ((NOT is_banned AND unregistered_at IS NULL)
      OR (phone_number IS NULL AND email IS NULL AND full_name IS NULL AND date_of_birth IS NULL AND image IS NULL)),
  CONSTRAINT user_users_version_is_positive CHECK (version > 0)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX user_users_username ON user_users (username);
CREATE UNIQUE INDEX user_users_phone_number ON user_users (phone_number);
CREATE INDEX user_users_by_banned_number ON user_users (banned_number_hash);
CREATE INDEX user_users_by_deactivation ON user_users (deactivated_at);
CREATE INDEX user_users_by_joining ON user_users (joined_at, id);
CREATE INDEX user_users_by_type ON user_users (user_type, joined_at, id);
CREATE INDEX user_users_by_activity ON user_users (is_active, joined_at, id);
CREATE INDEX user_users_by_ban ON user_users (is_banned, joined_at, id);

CREATE TABLE user_permission_groups (
  user_id BLOB    NOT NULL,
  name    TEXT    NOT NULL,
  PRIMARY KEY (user_id, name),
  FOREIGN KEY (user_id) REFERENCES user_users (id)
) STRICT, WITHOUT ROWID;

-- Pictures whose files may go, and when.
CREATE TABLE user_discarded_images (
  image  TEXT    NOT NULL PRIMARY KEY,
  due_at TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX user_discarded_images_by_time ON user_discarded_images (due_at, image);
