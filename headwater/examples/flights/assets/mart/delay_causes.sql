/* @asset
description: >
  Where late flights lost their time, and the weather at the hour they should have left. The records carry no cause
  codes of the carriers (14 CFR 234.4); this is what can be derived without them.
owner: performance@example.com
tags: [performance]
checks:
  - unique: [year, month, carrier, phase, conditions]
columns:
  phase:
    description: BEFORE_DEPARTURE if the flight left the gate 15 minutes late or more
    checks: [{accepted_values: [BEFORE_DEPARTURE, EN_ROUTE]}]
  conditions:
    checks: [{accepted_values: [LOW_VISIBILITY, ICE_OR_SNOW, HIGH_WIND, RAIN, FAIR, NOT_OBSERVED]}]
  late_flights: {checks: [{between: {min: 1}}]}
  delay_minutes: {checks: [{between: {min: 15}}]}
*/
with late as (
    select
        o.year,
        o.month,
        o.carrier,
        case when o.departure_delay_minutes >= 15 then 'BEFORE_DEPARTURE' else 'EN_ROUTE' end as phase,
        coalesce(w.conditions, 'NOT_OBSERVED') as conditions,
        o.arrival_delay_minutes
    from mart.flight_outcomes as o
    left join stg.weather as w on w.airport = o.origin and w.hour_utc = o.scheduled_hour_utc
    where o.outcome = 'LATE'
)

select
    l.year,
    l.month,
    l.carrier,
    l.phase,
    l.conditions,
    count(*) as late_flights,
    cast(sum(l.arrival_delay_minutes) as bigint) as delay_minutes
from late as l
group by l.year, l.month, l.carrier, l.phase, l.conditions
