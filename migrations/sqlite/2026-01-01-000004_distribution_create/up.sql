-- Text compares letter by letter here unless told otherwise.
CREATE TABLE distribution_centers (
  id          BLOB    NOT NULL PRIMARY KEY,
  center_code TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  created_at  TEXT    NOT NULL,
  -- Who tries to close it, while nobody plans to go there.
  closing_id  BLOB,
  version     INTEGER NOT NULL,
  CONSTRAINT distribution_centers_version_is_positive CHECK (version > 0)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX distribution_centers_center_code ON distribution_centers (center_code);
CREATE INDEX distribution_centers_by_creation ON distribution_centers (created_at, id);
CREATE INDEX distribution_centers_by_name ON distribution_centers (name, created_at, id);

-- Who works in a center, in the order they were named.
CREATE TABLE distribution_center_staff (
  center_id BLOB    NOT NULL,
  staff_id  BLOB    NOT NULL,
  place     INTEGER NOT NULL,
  PRIMARY KEY (center_id, staff_id),
  FOREIGN KEY (center_id) REFERENCES distribution_centers (id)
) STRICT, WITHOUT ROWID;
