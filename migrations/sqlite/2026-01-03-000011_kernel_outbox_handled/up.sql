-- What the subscribers of the process have handled, so that an event that comes twice has its effect once.
CREATE TABLE outbox_handled (
  subscriber  TEXT NOT NULL,
  event_id    BLOB NOT NULL,
  -- Until then, whoever took the event has it for themselves.
  taken_until TEXT NOT NULL,
  -- Nothing while it is being handled.
  handled_at  TEXT,
  PRIMARY KEY (subscriber, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_handled_by_time ON outbox_handled (taken_until);
