/* @asset
description: What sells, by amount
materialization: view
checks:
  - row_count: {min: 1}
columns:
  item: {checks: [unique]}
*/
select o.item, count(*) as orders, sum(o.amount) as revenue
from stg.orders as o
group by o.item
