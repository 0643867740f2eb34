-- Of each dataset, rows that wait for their parents now, and rows in quarantine that nobody has dealt with.
SELECT dataset,
       sum(waits) AS waiting_now,
       sum(bad) AS open_in_quarantine
FROM (SELECT dataset, 1 AS waits, 0 AS bad FROM waiting WHERE closed_at IS NULL
      UNION ALL
      SELECT dataset, 0 AS waits, 1 AS bad FROM quarantine WHERE closed_at IS NULL) rows
GROUP BY dataset
ORDER BY dataset
