DROP TABLE outbox_handled;
