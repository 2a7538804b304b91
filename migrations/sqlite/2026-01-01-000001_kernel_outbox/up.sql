-- Who hears of events. A relay holds its subscriber's row while it claims events.
CREATE TABLE outbox_subscribers (
  subscriber TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Events that wait to be delivered, one row for each subscriber. One transaction keeps an event and the change it
-- tells of. The position follows the order in which events were appended; since a unit of work has its aggregates for
-- itself, that is the order of versions within each aggregate.
CREATE TABLE outbox (
  position          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  event_id          BLOB    NOT NULL,
  subscriber        TEXT    NOT NULL,
  context           TEXT    NOT NULL,
  name              TEXT    NOT NULL,
  -- Sealed while it is confidential, and empty once it was delivered.
  payload           TEXT    NOT NULL,
  is_confidential   INTEGER NOT NULL,
  aggregate_type    TEXT    NOT NULL,
  aggregate_id      BLOB    NOT NULL,
  aggregate_version INTEGER NOT NULL,
  occurred_at       TEXT    NOT NULL,
  correlation_id    TEXT    NOT NULL,
  state             TEXT    NOT NULL,
  -- Counted when a relay claims the event, so that a crash counts too.
  attempts          INTEGER NOT NULL,
  -- Nobody claims it before: it was claimed until then, or it failed and has to wait.
  next_attempt_at   TEXT,
  lease_owner       BLOB,
  fence             INTEGER NOT NULL,
  CONSTRAINT outbox_version_is_positive CHECK (aggregate_version > 0),
  CONSTRAINT outbox_state_is_known CHECK (state IN ('OPEN', 'DELIVERED', 'PARKED')),
  CONSTRAINT outbox_attempts_count_up CHECK (attempts >= 0),
  CONSTRAINT outbox_lease_ends CHECK (lease_owner IS NULL OR (state = 'OPEN' AND next_attempt_at IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX outbox_event_id ON outbox (event_id, subscriber);
-- A subscriber hears of an aggregate at most once for each of its versions.
CREATE UNIQUE INDEX outbox_aggregate ON outbox (subscriber, aggregate_type, aggregate_id, aggregate_version);
CREATE INDEX outbox_by_state ON outbox (subscriber, state, position);
CREATE INDEX outbox_aggregate_by_state ON outbox (subscriber, aggregate_type, aggregate_id, state);

-- Requests that act once however often they are made, and what was answered, sealed. Bytes compare exactly,
-- which texts with blanks at their end do not.
CREATE TABLE idempotency_requests (
  scope       BLOB    NOT NULL,
  request_key BLOB    NOT NULL,
  -- The digest of what was asked.
  fingerprint BLOB    NOT NULL,
  -- Nothing while it is being answered, which only the transaction that does so sees.
  answer      BLOB,
  made_at     TEXT    NOT NULL,
  PRIMARY KEY (scope, request_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_requests_by_time ON idempotency_requests (made_at);
