/* @asset
description: On-time arrivals for each carrier and month
owner: performance@example.com
tags: [performance]
checks:
  - unique: [year, month, carrier]
  - row_count: {min: 12}
  - sql:
      name: ten carriers report every month
      sql: select year, month from $this group by year, month having count(*) < 10
  - expression: "on_time_arrivals + late_arrivals + diverted_flights <= scheduled_flights"
columns:
  on_time_percent:
    description: Of all scheduled flights, so that a cancelled or diverted one is not on time
    checks: [not_null, {between: {min: 0, max: 100}}]
*/
with counted as (
    select
        o.year,
        o.month,
        o.carrier,
        count(*) as scheduled_flights,
        count(*) filter (where o.outcome = 'ON_TIME') as on_time_arrivals,
        count(*) filter (where o.outcome = 'LATE') as late_arrivals,
        count(*) filter (where o.outcome = 'DIVERTED') as diverted_flights
    from mart.flight_outcomes as o
    group by o.year, o.month, o.carrier
)

select
    c.year,
    c.month,
    c.carrier,
    c.scheduled_flights,
    c.on_time_arrivals,
    c.late_arrivals,
    c.diverted_flights,
    -- Whole numbers, rounded half up: a published share never depends on how a machine divides.
    cast((20000 * c.on_time_arrivals + c.scheduled_flights) // (2 * c.scheduled_flights) * 0.01 as decimal(5, 2))
        as on_time_percent
from counted as c
