-- Codes compare letter by letter: the collation is binary throughout.
CREATE TABLE distribution_centers (
  id          BINARY(16)  NOT NULL PRIMARY KEY,
  center_code VARCHAR(16) NOT NULL,
  name        VARCHAR(64) NOT NULL,
  created_at  DATETIME(6) NOT NULL,
  -- Who tries to close it, while nobody plans to go there.
  closing_id  BINARY(16),
  version     INTEGER     NOT NULL,
  CONSTRAINT distribution_centers_version_is_positive CHECK (version > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX distribution_centers_center_code ON distribution_centers (center_code);
CREATE INDEX distribution_centers_by_creation ON distribution_centers (created_at, id);
CREATE INDEX distribution_centers_by_name ON distribution_centers (name, created_at, id);

-- Who works in a center, in the order they were named.
CREATE TABLE distribution_center_staff (
  center_id BINARY(16) NOT NULL,
  staff_id  BINARY(16) NOT NULL,
  place     INTEGER    NOT NULL,
  PRIMARY KEY (center_id, staff_id),
  CONSTRAINT distribution_center_staff_center FOREIGN KEY (center_id) REFERENCES distribution_centers (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
