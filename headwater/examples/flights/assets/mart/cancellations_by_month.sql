/* @asset
description: Cancelled flights for each carrier and month
owner: performance@example.com
tags: [performance]
materialization: view
checks:
  - unique: [year, month, carrier]
  - expression: "cancelled_flights <= scheduled_flights"
columns:
  cancelled_percent: {checks: [not_null, {between: {min: 0, max: 100}}]}
*/
with counted as (
    select
        o.year,
        o.month,
        o.carrier,
        count(*) as scheduled_flights,
        count(*) filter (where o.is_cancelled) as cancelled_flights
    from mart.flight_outcomes as o
    group by o.year, o.month, o.carrier
)

select
    c.year,
    c.month,
    c.carrier,
    c.scheduled_flights,
    c.cancelled_flights,
    cast((20000 * c.cancelled_flights + c.scheduled_flights) // (2 * c.scheduled_flights) * 0.01 as decimal(5, 2))
        as cancelled_percent
from counted as c
