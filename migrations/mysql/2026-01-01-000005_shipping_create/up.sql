-- Codes, aliases and tracking numbers compare letter by letter: the collation is binary throughout.
CREATE TABLE shipping_items (
  id                  BINARY(16)  NOT NULL PRIMARY KEY,
  tracking_number     VARCHAR(19) NOT NULL,
  sku                 VARCHAR(20) NOT NULL,
  status              VARCHAR(16) NOT NULL,
  current_center_code VARCHAR(16),
  created_at          DATETIME(6) NOT NULL,
  completed_at        DATETIME(6),
  version             INTEGER     NOT NULL,
  CONSTRAINT shipping_items_status_is_known CHECK (status IN ('CREATED', 'MOVING', 'COMPLETED', 'DAMAGED', 'LOST')),
  CONSTRAINT shipping_items_completion_is_stamped CHECK ((status = 'COMPLETED') = (completed_at IS NOT NULL)),
  CONSTRAINT shipping_items_version_is_positive CHECK (version > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX shipping_items_tracking_number ON shipping_items (tracking_number);
CREATE INDEX shipping_items_by_creation ON shipping_items (created_at, id);
CREATE INDEX shipping_items_by_completion ON shipping_items (completed_at, created_at, id);
CREATE INDEX shipping_items_by_status_and_creation ON shipping_items (status, created_at, id);
CREATE INDEX shipping_items_by_status_and_completion ON shipping_items (status, completed_at, created_at, id);

CREATE TABLE shipping_transports (
  id                BINARY(16)  NOT NULL PRIMARY KEY,
  source_code       VARCHAR(16) NOT NULL,
  destination_code  VARCHAR(16) NOT NULL,
  driver_id         BINARY(16),
  -- The driver while on the road: nobody drives two transports at once.
  on_road_driver_id BINARY(16),
  state             VARCHAR(16) NOT NULL,
  created_at        DATETIME(6) NOT NULL,
  departed_at       DATETIME(6),
  arrived_at        DATETIME(6),
  version           INTEGER     NOT NULL,
  CONSTRAINT shipping_transports_route_leads_somewhere CHECK (source_code <> destination_code),
  CONSTRAINT shipping_transports_state_is_known CHECK (state IN ('PLANNED', 'IN_TRANSIT', 'ARRIVED')),
  CONSTRAINT shipping_transports_departure_is_stamped CHECK ((state = 'PLANNED') = (departed_at IS NULL)),
  CONSTRAINT shipping_transports_arrival_is_stamped CHECK ((state = 'ARRIVED') = (arrived_at IS NOT NULL)),
  CONSTRAINT shipping_transports_arrival_follows_departure CHECK (arrived_at IS NULL OR arrived_at >= departed_at),
  CONSTRAINT shipping_transports_departure_needs_a_driver CHECK (state = 'PLANNED' OR driver_id IS NOT NULL),
  CONSTRAINT shipping_transports_road_has_its_driver
    CHECK ((state = 'IN_TRANSIT') = (on_road_driver_id IS NOT NULL)
      AND (on_road_driver_id IS NULL OR on_road_driver_id = driver_id)),
  CONSTRAINT shipping_transports_version_is_positive CHECK (version > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX shipping_transports_on_road_driver_id ON shipping_transports (on_road_driver_id);
CREATE INDEX shipping_transports_by_creation ON shipping_transports (created_at, id);
CREATE INDEX shipping_transports_by_departure ON shipping_transports (departed_at, created_at, id);
CREATE INDEX shipping_transports_by_arrival ON shipping_transports (arrived_at, created_at, id);
CREATE INDEX shipping_transports_by_arrival_departure ON shipping_transports (arrived_at, departed_at, created_at, id);
CREATE INDEX shipping_transports_by_driver ON shipping_transports (driver_id, created_at, id);
CREATE INDEX shipping_transports_by_driver_departure ON shipping_transports (driver_id, departed_at, created_at, id);
CREATE INDEX shipping_transports_by_driver_arrival ON shipping_transports (driver_id, arrived_at, created_at, id);
CREATE INDEX shipping_transports_by_source ON shipping_transports (source_code, created_at, id);
CREATE INDEX shipping_transports_by_source_departure ON shipping_transports (source_code, departed_at, created_at, id);
CREATE INDEX shipping_transports_by_destination ON shipping_transports (destination_code, created_at, id);
CREATE INDEX shipping_transports_by_destination_departure
  ON shipping_transports (destination_code, departed_at, created_at, id);

CREATE TABLE shipping_batches (
  id           BINARY(16)  NOT NULL PRIMARY KEY,
  alias        VARCHAR(20) NOT NULL,
  state        VARCHAR(16) NOT NULL,
  transport_id BINARY(16),
  created_at   DATETIME(6) NOT NULL,
  completed_at DATETIME(6),
  version      INTEGER     NOT NULL,
  CONSTRAINT shipping_batches_transport FOREIGN KEY (transport_id) REFERENCES shipping_transports (id),
  CONSTRAINT shipping_batches_state_is_known CHECK (state IN ('OPEN', 'LOADED', 'DEPARTED', 'COMPLETED')),
  CONSTRAINT shipping_batches_open_is_on_no_transport CHECK ((state = 'OPEN') = (transport_id IS NULL)),
  CONSTRAINT shipping_batches_completion_is_stamped CHECK ((state = 'COMPLETED') = (completed_at IS NOT NULL)),
  CONSTRAINT shipping_batches_version_is_positive CHECK (version > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX shipping_batches_alias ON shipping_batches (alias);
CREATE INDEX shipping_batches_by_creation ON shipping_batches (created_at, id);
CREATE INDEX shipping_batches_by_completion ON shipping_batches (completed_at, created_at, id);
CREATE INDEX shipping_batches_by_transport ON shipping_batches (transport_id, created_at, id);

-- Which item went with which batch. A row stays as the item's history when its batch has arrived.
CREATE TABLE shipping_batch_items (
  item_id      BINARY(16)  NOT NULL,
  batch_id     BINARY(16)  NOT NULL,
  -- The item while the batch is open: an item sits in one open batch at most.
  open_item_id BINARY(16),
  added_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (item_id, batch_id),
  CONSTRAINT shipping_batch_items_item FOREIGN KEY (item_id) REFERENCES shipping_items (id),
  CONSTRAINT shipping_batch_items_batch FOREIGN KEY (batch_id) REFERENCES shipping_batches (id),
  CONSTRAINT shipping_batch_items_open_item_is_the_item CHECK (open_item_id IS NULL OR open_item_id = item_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX shipping_batch_items_open_item_id ON shipping_batch_items (open_item_id);
CREATE INDEX shipping_batch_items_by_batch ON shipping_batch_items (batch_id, item_id);
