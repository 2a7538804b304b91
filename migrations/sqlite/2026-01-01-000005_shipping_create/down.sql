DROP TABLE shipping_batch_items;
DROP TABLE shipping_batches;
DROP TABLE shipping_transports;
DROP TABLE shipping_items;
