/* @asset
description: Revenue for each day and city
checks:
  - unique: [day, city]
columns:
  revenue: {checks: [not_null, {between: {min: 0}}]}
*/
-- This asset does not read `item`: rename a product in the data, and it stays current.
select o.day, o.city, count(*) as orders, sum(o.amount) as revenue
from stg.orders as o
group by o.day, o.city
