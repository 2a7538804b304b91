-- @loose items that are in no batch, older than all others, and in none again when this is run again.

SET SESSION cte_max_recursion_depth = 10000000;

INSERT IGNORE INTO shipping_items
  (id, tracking_number, sku, status, current_center_code, created_at, completed_at, version)
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < @loose)
SELECT UNHEX(CONCAT('019B6000000070008000', LPAD(HEX(n), 12, '0'))), CONCAT('20251201-', LPAD(n, 10, '0')), 'LOOSE',
  'CREATED', NULL, TIMESTAMP '2025-12-01 00:00:00', NULL, 1
FROM counted;

DELETE packed FROM shipping_batch_items AS packed JOIN shipping_items AS item ON item.id = packed.item_id
WHERE item.tracking_number LIKE '20251201-%';

UPDATE shipping_items SET status = 'CREATED' WHERE tracking_number LIKE '20251201-%' AND status = 'MOVING';
