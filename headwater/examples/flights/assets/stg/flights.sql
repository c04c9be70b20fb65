/* @asset
description: One row for each scheduled flight, typed and named
tags: [staging]
checks:
  - unique: [flight_date, carrier, flight_number, origin]
  - row_count: {min: 300000}
  - expression: {name: what arrived had departed, sql: "departed or not arrived"}
  - expression:
      name: arrival delay agrees with the clock
      sql: "(arrival_minute - scheduled_arrival_minute - arrival_delay_minutes) % 1440 = 0"
columns:
  month: {checks: [{between: {min: 1, max: 12}}]}
  carrier: {checks: [not_null, {matches: "^[0-9A-Z]{2}$"}]}
  flight_number: {checks: [not_null]}
  origin: {checks: [{accepted_values: [EWR, JFK, LGA]}]}
  destination: {checks: [not_null]}
  scheduled_hour_utc: {checks: [not_null]}
  departure_delay_minutes: {checks: [{between: {min: -120, max: 2880}}]}
  arrival_delay_minutes: {checks: [{between: {min: -120, max: 2880}}]}
  average_speed_mph: {description: Over the ground; no asset reads it}
*/
select
    f.year,
    f.month,
    make_date(f.year, f.month, f.day) as flight_date,
    f.carrier,
    f.flight as flight_number,
    f.tailnum as tail_number,
    f.origin,
    f.dest as destination,
    f.time_hour as scheduled_hour_utc,
    f.sched_arr_time // 100 * 60 + f.sched_arr_time % 100 as scheduled_arrival_minute,
    f.arr_time // 100 * 60 + f.arr_time % 100 as arrival_minute,
    f.dep_delay as departure_delay_minutes,
    f.arr_delay as arrival_delay_minutes,
    f.dep_time is not null as departed,
    f.arr_delay is not null as arrived,
    f.distance as distance_miles,
    f.air_time as air_minutes,
    60 * f.distance // f.air_time as average_speed_mph
from raw.flights as f
