-- Of each dataset: rows in the table, rows that wait for their parents, rows in quarantine that nobody has dealt with, and their shares.
WITH found AS (
    SELECT 'products' AS dataset, count(*) AS loaded, 0 AS late, 0 AS rejected FROM products
    UNION ALL SELECT 'orders', count(*), 0, 0 FROM orders
    UNION ALL SELECT 'order_items', count(*), 0, 0 FROM order_items
    UNION ALL SELECT dataset, 0, 1, 0 FROM waiting WHERE closed_at IS NULL
    UNION ALL SELECT dataset, 0, 0, 1 FROM quarantine WHERE closed_at IS NULL AND kind <> 'duplicate'
)
SELECT dataset,
       sum(loaded) AS loaded,
       sum(late) AS late,
       sum(rejected) AS rejected,
       cast(100.0 * sum(late) / nullif(sum(loaded + late + rejected), 0) AS decimal(5, 2)) AS late_percent,
       cast(100.0 * sum(rejected) / nullif(sum(loaded + late + rejected), 0) AS decimal(5, 2)) AS rejected_percent
FROM found
GROUP BY dataset
ORDER BY dataset
