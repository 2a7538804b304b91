DROP TABLE idempotency_requests;
DROP TABLE outbox_deliveries;
DROP TABLE outbox_subscribers;
DROP TABLE outbox;
