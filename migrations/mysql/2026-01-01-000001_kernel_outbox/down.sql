DROP TABLE idempotency_requests;
DROP TABLE outbox;
DROP TABLE outbox_subscribers;
