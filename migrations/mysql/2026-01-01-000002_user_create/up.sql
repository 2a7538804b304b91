-- Usernames compare letter by letter: the collation is binary throughout.
CREATE TABLE user_users (
  id                 BINARY(16)   NOT NULL PRIMARY KEY,
  username           VARCHAR(15)  NOT NULL,
  phone_number       VARCHAR(16),
  email              VARCHAR(254),
  user_type          VARCHAR(16)  NOT NULL,
  is_staff           BOOLEAN      NOT NULL,
  is_superuser       BOOLEAN      NOT NULL,
  is_active          BOOLEAN      NOT NULL,
  is_banned          BOOLEAN      NOT NULL,
  full_name          VARCHAR(32),
  date_of_birth      DATE,
  image              VARCHAR(255),
  locale             VARCHAR(16)  NOT NULL,
  joined_at          DATETIME(6)  NOT NULL,
  -- Since when the account cannot be used, whatever the reason.
  deactivated_at     DATETIME(6),
  unregistered_at    DATETIME(6),
  -- What is left of the number of somebody who was banned: a keyed hash.
  banned_number_hash BINARY(32),
  version            INTEGER      NOT NULL,
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
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX user_users_username ON user_users (username);
CREATE UNIQUE INDEX user_users_phone_number ON user_users (phone_number);
CREATE INDEX user_users_by_banned_number ON user_users (banned_number_hash);
CREATE INDEX user_users_by_deactivation ON user_users (deactivated_at);
CREATE INDEX user_users_by_joining ON user_users (joined_at, id);
CREATE INDEX user_users_by_type ON user_users (user_type, joined_at, id);
CREATE INDEX user_users_by_activity ON user_users (is_active, joined_at, id);
CREATE INDEX user_users_by_ban ON user_users (is_banned, joined_at, id);

CREATE TABLE user_permission_groups (
  user_id BINARY(16)  NOT NULL,
  name    VARCHAR(64) NOT NULL,
  PRIMARY KEY (user_id, name),
  CONSTRAINT user_permission_groups_user FOREIGN KEY (user_id) REFERENCES user_users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Pictures whose files may go, and when.
CREATE TABLE user_discarded_images (
  image  VARCHAR(255) NOT NULL PRIMARY KEY,
  due_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX user_discarded_images_by_time ON user_discarded_images (due_at, image);
