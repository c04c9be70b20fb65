/* @asset
description: Air Travel Consumer Report for New York, one line for each month and carrier, best on-time share first
owner: consumer-report@example.com
tags: [regulated, part-234]
regulated: true
freshness: {max_lag: 45d, by: "0 12 15 * *", timezone: America/New_York}
materialization: {kind: file, format: csv, path: reports/air_travel_consumer_report.csv}
checks:
  - unique: [year, month, carrier]
  - row_count: {min: 12}
  - expression:
      name: every scheduled flight is accounted for
      sql: "on_time_arrivals + late_arrivals + cancelled_flights + diverted_flights = scheduled_flights"
  - expression: "late_in_bad_weather <= late_arrivals"
columns:
  carrier: {checks: [not_null, {relationship: {to: stg.carriers, column: carrier}}]}
  on_time_percent: {checks: [not_null, {between: {min: 0, max: 100}}]}
  cancelled_percent: {checks: [not_null, {between: {min: 0, max: 100}}]}
*/
with chronic as (
    select d.year, d.month, d.carrier, count(*) as chronically_delayed_flights
    from mart.chronic_delays as d
    group by d.year, d.month, d.carrier
),

weather as (
    select w.year, w.month, w.carrier, cast(sum(w.late_flights) as bigint) as late_in_bad_weather
    from mart.delay_causes as w
    where w.conditions in ('LOW_VISIBILITY', 'ICE_OR_SNOW', 'HIGH_WIND', 'RAIN')
    group by w.year, w.month, w.carrier
)

select
    t.year,
    t.month,
    rank() over (partition by t.year, t.month order by t.on_time_percent desc) as place,
    t.carrier,
    n.carrier_name,
    t.scheduled_flights,
    t.on_time_arrivals,
    t.on_time_percent,
    t.late_arrivals,
    coalesce(weather.late_in_bad_weather, 0) as late_in_bad_weather,
    x.cancelled_flights,
    x.cancelled_percent,
    t.diverted_flights,
    coalesce(chronic.chronically_delayed_flights, 0) as chronically_delayed_flights,
    -- Too few known tail numbers (American and Envoy report their own numbers) say nothing about a fleet.
    case when 2 * a.aircraft_of_known_age >= a.aircraft then a.average_age_years end as fleet_age_years
from mart.on_time_by_month as t
join stg.carriers as n on n.carrier = t.carrier
join mart.cancellations_by_month as x on x.year = t.year and x.month = t.month and x.carrier = t.carrier
left join mart.fleet_age as a on a.year = t.year and a.month = t.month and a.carrier = t.carrier
left join chronic on chronic.year = t.year and chronic.month = t.month and chronic.carrier = t.carrier
left join weather on weather.year = t.year and weather.month = t.month and weather.carrier = t.carrier
order by t.year, t.month, place, t.carrier
