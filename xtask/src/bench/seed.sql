-- What lists and histories are made of: @items items, ten to a batch, ten batches to a transport.
-- Four batches of five have arrived, the others are open. Each item is or was in one to three batches.

SET SESSION cte_max_recursion_depth = 10000000;
SET @batches = (@items + 9) DIV 10, @arrived = @items DIV 50 * 4;

-- Times a second apart, and ids in their order, as the application makes them.
CREATE TABLE seed (n INTEGER NOT NULL PRIMARY KEY, id BINARY(16) NOT NULL, at DATETIME(6) NOT NULL);
INSERT INTO seed
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < @items)
SELECT n, UNHEX(CONCAT(LPAD(HEX(1767225600000 + n * 1000), 12, '0'), '70008000', LPAD(HEX(n), 12, '0'))),
  TIMESTAMP '2026-01-01 00:00:00.123456' + INTERVAL n SECOND
FROM counted;

INSERT INTO shipping_items
  (id, tracking_number, sku, status, current_center_code, created_at, completed_at, version)
SELECT id, CONCAT('20260101-', LPAD(n, 10, '0')), CONCAT('SKU-', n % 1000),
  IF(n DIV 10 < @arrived, 'COMPLETED', 'MOVING'), IF(n DIV 10 < @arrived, 'SEL', NULL),
  at, IF(n DIV 10 < @arrived, at + INTERVAL 1 DAY, NULL), 3
FROM seed;

INSERT INTO shipping_transports
  (id, source_code, destination_code, driver_id, state, created_at, departed_at, arrived_at, version)
SELECT id, 'ICN', 'SEL', id, 'ARRIVED', at, at + INTERVAL 1 HOUR, at + INTERVAL 2 HOUR, 3
FROM seed WHERE n * 10 < @arrived;

INSERT INTO shipping_batches (id, alias, state, transport_id, created_at, completed_at, version)
SELECT batch.id, CONCAT('20260101-', LPAD(batch.n, 10, 'a')), IF(transport.id IS NULL, 'OPEN', 'COMPLETED'),
  transport.id, batch.at, IF(transport.id IS NULL, NULL, batch.at + INTERVAL 2 HOUR), 3
FROM seed AS batch LEFT JOIN seed AS transport ON transport.n = batch.n DIV 10 AND batch.n < @arrived
WHERE batch.n < @batches;

-- An item's last batch may be open; those before it have arrived.
INSERT INTO shipping_batch_items (item_id, batch_id, open_item_id, added_at)
SELECT item.id, batch.id, IF(batch.n < @arrived, NULL, item.id), item.at - INTERVAL hop.n HOUR
FROM seed AS item
JOIN seed AS hop ON hop.n <= item.n % 3
JOIN seed AS batch
  ON batch.n = IF(hop.n = 0, item.n DIV 10, (item.n DIV 10 + hop.n * (@arrived DIV 4)) % @arrived);

DROP TABLE seed;
ANALYZE TABLE shipping_items, shipping_transports, shipping_batches, shipping_batch_items;
