-- Who hears of events. A relay holds its subscriber's row while it claims events.
CREATE TABLE outbox_subscribers (
  subscriber VARCHAR(64) NOT NULL PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Events that wait to be delivered, one row for each subscriber. One transaction keeps an event and the change it
-- tells of. The position follows the order in which events were appended; since a unit of work has its aggregates for
-- itself, that is the order of versions within each aggregate.
CREATE TABLE outbox (
  position          BIGINT       NOT NULL PRIMARY KEY AUTO_INCREMENT,
  event_id          BINARY(16)   NOT NULL,
  subscriber        VARCHAR(64)  NOT NULL,
  context           VARCHAR(32)  NOT NULL,
  name              VARCHAR(128) NOT NULL,
  -- Sealed while it is confidential, and empty once it was delivered.
  payload           MEDIUMTEXT   NOT NULL,
  is_confidential   BOOLEAN      NOT NULL,
  aggregate_type    VARCHAR(32)  NOT NULL,
  aggregate_id      BINARY(16)   NOT NULL,
  aggregate_version INTEGER      NOT NULL,
  occurred_at       DATETIME(6)  NOT NULL,
  correlation_id    VARCHAR(36)  NOT NULL,
  state             VARCHAR(16)  NOT NULL,
  -- Counted when a relay claims the event, so that a crash counts too.
  attempts          INTEGER      NOT NULL,
  -- Nobody claims it before: it was claimed until then, or it failed and has to wait.
  next_attempt_at   DATETIME(6),
  lease_owner       BINARY(16),
  fence             BIGINT       NOT NULL,
  CONSTRAINT outbox_version_is_positive CHECK (aggregate_version > 0),
  CONSTRAINT outbox_state_is_known CHECK (state IN ('OPEN', 'DELIVERED', 'PARKED')),
  CONSTRAINT outbox_attempts_count_up CHECK (attempts >= 0),
  CONSTRAINT outbox_lease_ends CHECK (lease_owner IS NULL OR (state = 'OPEN' AND next_attempt_at IS NOT NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE UNIQUE INDEX outbox_event_id ON outbox (event_id, subscriber);
-- A subscriber hears of an aggregate at most once for each of its versions.
CREATE UNIQUE INDEX outbox_aggregate ON outbox (subscriber, aggregate_type, aggregate_id, aggregate_version);
CREATE INDEX outbox_by_state ON outbox (subscriber, state, position);
CREATE INDEX outbox_aggregate_by_state ON outbox (subscriber, aggregate_type, aggregate_id, state);

-- Requests that act once however often they are made, and what was answered, sealed. Bytes compare exactly,
-- which texts with blanks at their end do not.
CREATE TABLE idempotency_requests (
  scope       VARBINARY(1020) NOT NULL,
  request_key VARBINARY(1020) NOT NULL,
  -- The digest of what was asked.
  fingerprint BINARY(32)      NOT NULL,
  -- Nothing while it is being answered, which only the transaction that does so sees.
  answer      MEDIUMBLOB,
  made_at     DATETIME(6)     NOT NULL,
  PRIMARY KEY (scope, request_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX idempotency_requests_by_time ON idempotency_requests (made_at);
