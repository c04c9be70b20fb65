/* @asset
description: On-time arrivals for each route out of New York
owner: performance@example.com
tags: [performance]
checks:
  - unique: [origin, destination]
columns:
  destination: {checks: [{relationship: {to: stg.airports, column: airport}}]}
  destination_name: {checks: [not_null]}
  on_time_percent: {checks: [not_null, {between: {min: 0, max: 100}}]}
*/
with counted as (
    select
        o.origin,
        o.destination,
        max(o.distance_miles) as distance_miles,
        count(*) as scheduled_flights,
        count(*) filter (where o.outcome = 'ON_TIME') as on_time_arrivals
    from mart.flight_outcomes as o
    group by o.origin, o.destination
)

select
    c.origin,
    c.destination,
    a.airport_name as destination_name,
    c.distance_miles,
    c.scheduled_flights,
    c.on_time_arrivals,
    cast((20000 * c.on_time_arrivals + c.scheduled_flights) // (2 * c.scheduled_flights) * 0.01 as decimal(5, 2))
        as on_time_percent
from counted as c
left join stg.airports as a on a.airport = c.destination
