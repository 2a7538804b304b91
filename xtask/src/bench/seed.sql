-- What lists and histories are made of: @items items, ten to a batch, ten batches to a transport; for 50 000 items,
-- 2 000 people and 200 centers. Four batches of five have arrived, the others are open, and the transports that
-- might carry them are planned. Each item is or was in one to three batches. Five people work in each center.

-- Nobody else is here yet, what is inserted keeps what the schema asks for, and a crash would only end the measurement.
ALTER INSTANCE DISABLE INNODB REDO_LOG;
SET SESSION cte_max_recursion_depth = 10000000, sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0;
SET @batches = (@items + 9) DIV 10, @arrived = @items DIV 50 * 4, @transports = @items DIV 100;
SET @centers = GREATEST(@items DIV 250, 2), @people = GREATEST(@items DIV 25, 8);
SET @drivers = @people DIV 4 * 3;

-- Times a second apart, and ids in their order, as the application makes them.
CREATE TABLE seed (n INTEGER NOT NULL PRIMARY KEY, id BINARY(16) NOT NULL, at DATETIME(6) NOT NULL);
INSERT INTO seed
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < @items)
SELECT n, UNHEX(CONCAT(LPAD(HEX(1767225600000 + n * 1000), 12, '0'), '70008000', LPAD(HEX(n), 12, '0'))),
  TIMESTAMP '2026-01-01 00:00:00.123456' + INTERVAL n SECOND
FROM counted;

-- Their passwords are that of the first user.
INSERT INTO auth_credentials (account_id, password_hash)
SELECT seed.id, first.password_hash
FROM seed JOIN (SELECT password_hash FROM auth_credentials LIMIT 1) AS first WHERE seed.n < @people;

INSERT INTO user_users
  (id, username, phone_number, user_type, is_staff, is_superuser, is_active, is_banned, full_name, date_of_birth,
   locale, joined_at, version)
SELECT id, CONCAT('8210', 20000000 + n), CONCAT('+8210', 20000000 + n), IF(n < @drivers, 'DRIVER', 'STAFF'),
  FALSE, FALSE, TRUE, FALSE, CONCAT('Kim ', n), IF(n < @drivers, '1990-01-02', NULL), 'ko', at, 1
FROM seed WHERE n < @people;

INSERT INTO distribution_centers (id, center_code, name, created_at, version)
SELECT id, CONCAT('C', LPAD(n, 6, '0')), CONCAT('Center ', n), at, 1
FROM seed WHERE n < @centers;

INSERT IGNORE INTO distribution_center_staff (center_id, staff_id, place)
SELECT center.id, member.id, place.n
FROM seed AS center
JOIN seed AS place ON place.n < 5
JOIN seed AS member ON member.n = @drivers + (center.n * 5 + place.n) % (@people - @drivers)
WHERE center.n < @centers;

INSERT INTO shipping_items
  (id, tracking_number, sku, status, current_center_code, created_at, completed_at, version)
SELECT id, CONCAT('20260101-', LPAD(n, 10, '0')), CONCAT('SKU-', n % 1000),
  IF(n DIV 10 < @arrived, 'COMPLETED', 'MOVING'), IF(n DIV 10 < @arrived, CONCAT('C', LPAD((n DIV 100 + 1) % @centers, 6, '0')), NULL),
  at, IF(n DIV 10 < @arrived, at + INTERVAL 1 DAY, NULL), 3
FROM seed;

INSERT INTO shipping_transports
  (id, source_code, destination_code, driver_id, state, created_at, departed_at, arrived_at, version)
SELECT id, CONCAT('C', LPAD(n % @centers, 6, '0')), CONCAT('C', LPAD((n + 1) % @centers, 6, '0')), id,
  IF(n * 10 < @arrived, 'ARRIVED', 'PLANNED'), at,
  IF(n * 10 < @arrived, at + INTERVAL 1 HOUR, NULL), IF(n * 10 < @arrived, at + INTERVAL 2 HOUR, NULL), 3
FROM seed WHERE n < @transports OR n * 10 < @arrived;

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
ANALYZE TABLE user_users, distribution_centers, distribution_center_staff,
  shipping_items, shipping_transports, shipping_batches, shipping_batch_items;
ALTER INSTANCE ENABLE INNODB REDO_LOG;
