-- Who closes a center asks for the transports that have not arrived there yet: a few among all that ever did. Lists of
-- a center's transports by arrival are in the same order.
CREATE INDEX shipping_transports_by_source_arrival
  ON shipping_transports (source_code, arrived_at, created_at, id);
CREATE INDEX shipping_transports_by_destination_arrival
  ON shipping_transports (destination_code, arrived_at, created_at, id);
