/* @asset
description: One row for each order, with its day and amount
columns:
  order_id: {checks: [not_null, unique]}      # a version that fails a check is never seen by a reader
*/
-- The file's place gives the key: assets/stg/orders.sql is stg.orders. What it reads follows from the query.
select
    o.order_id,
    cast(o.ordered_at as date) as day,
    o.city,
    o.item,
    o.quantity * o.price as amount
from raw.orders as o
