-- How many items an order has.
SELECT count(*) AS orders,
       cast(avg(items) AS decimal(6, 2)) AS average_items,
       max(items) AS most_items
FROM (SELECT order_id, count(*) AS items FROM order_items GROUP BY order_id) b
