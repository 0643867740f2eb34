-- Departments by items sold, with the share of items that the same customer had bought before.
SELECT p.department,
       count(*) AS items,
       cast(100.0 * sum(CASE WHEN i.reordered THEN 1 ELSE 0 END) / count(*) AS decimal(5, 1)) AS reordered_percent
FROM order_items i
JOIN products p ON p.product_id = i.product_id
GROUP BY p.department
ORDER BY items DESC, p.department
LIMIT 7
