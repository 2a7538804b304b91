-- The step of a trace that an event followed from, as W3C Trace Context writes it: whoever delivers the event continues it.
ALTER TABLE outbox ADD COLUMN trace_parent TEXT;
