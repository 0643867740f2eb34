-- Revenue, orders and the average order of the last days.
SELECT date AS day,
       count(*) AS orders,
       sum(total_amount) AS revenue,
       cast(avg(total_amount) AS decimal(10, 2)) AS average_order
FROM orders
GROUP BY date
ORDER BY date DESC
LIMIT 7
