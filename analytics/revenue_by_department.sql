-- Revenue by department: an order's amount is shared among its items in equal parts, since items have no price.
SELECT p.department,
       cast(sum(cast(o.total_amount AS double) / b.items) AS decimal(18, 2)) AS revenue
FROM order_items i
JOIN orders o ON o.order_id = i.order_id
JOIN (SELECT order_id, count(*) AS items FROM order_items GROUP BY order_id) b ON b.order_id = i.order_id
JOIN products p ON p.product_id = i.product_id
GROUP BY p.department
ORDER BY revenue DESC, p.department
LIMIT 7
