/* @asset
description: What became of each scheduled flight, in the words of 14 CFR 234.2
owner: performance@example.com
tags: [core]
checks:
  - unique: [flight_date, carrier, flight_number, origin]
columns:
  outcome:
    description: On time means at the gate less than 15 minutes after the scheduled arrival
    checks: [not_null, {accepted_values: [ON_TIME, LATE, DIVERTED, CANCELLED]}]
  is_cancelled: {checks: [not_null]}
  is_over_30_late:
    description: More than 30 minutes late or cancelled, as 14 CFR 399.81(c) counts
    checks: [not_null]
*/
select
    f.year,
    f.month,
    f.flight_date,
    f.carrier,
    f.flight_number,
    f.origin,
    f.destination,
    f.scheduled_hour_utc,
    f.distance_miles,
    f.departure_delay_minutes,
    f.arrival_delay_minutes,
    case
        when not f.departed then 'CANCELLED'
        when not f.arrived then 'DIVERTED'
        when f.arrival_delay_minutes < 15 then 'ON_TIME'
        else 'LATE'
    end as outcome,
    not f.departed as is_cancelled,
    not f.departed or coalesce(f.arrival_delay_minutes > 30, false) as is_over_30_late
from stg.flights as f
