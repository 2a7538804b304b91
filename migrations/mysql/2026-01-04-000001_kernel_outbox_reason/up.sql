-- Why an event was given up, in a few words: for whoever decides about it.
ALTER TABLE outbox ADD COLUMN reason VARCHAR(200);
