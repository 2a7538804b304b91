-- What the subscribers of the process have handled, so that an event that comes twice has its effect once.
CREATE TABLE outbox_handled (
  subscriber  VARCHAR(64) NOT NULL,
  event_id    BINARY(16)  NOT NULL,
  -- Until then, whoever took the event has it for themselves.
  taken_until DATETIME(6) NOT NULL,
  -- Nothing while it is being handled.
  handled_at  DATETIME(6),
  PRIMARY KEY (subscriber, event_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX outbox_handled_by_time ON outbox_handled (taken_until);
