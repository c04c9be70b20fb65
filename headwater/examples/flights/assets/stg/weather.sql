/* @asset
description: Hourly weather at the three airports, with one word for what it means to a departure
tags: [staging]
checks:
  - unique: [airport, hour_utc]
columns:
  airport: {checks: [{accepted_values: [EWR, JFK, LGA]}]}
  hour_utc: {checks: [not_null]}
  wind_mph: {checks: [{between: {min: 0, max: 200}}]}
  conditions: {checks: [not_null, {accepted_values: [LOW_VISIBILITY, ICE_OR_SNOW, HIGH_WIND, RAIN, FAIR]}]}
*/
select
    w.origin as airport,
    w.time_hour as hour_utc,
    cast(w.temp as decimal(5, 2)) as temperature_f,
    -- One record claims 1,048 mph (Newark, 12 February): a broken instrument is no wind.
    cast(case when w.wind_speed <= 200 then w.wind_speed end as decimal(6, 2)) as wind_mph,
    cast(w.wind_gust as decimal(6, 2)) as gust_mph,
    cast(w.precip as decimal(4, 2)) as precipitation_inches,
    cast(w.visib as decimal(4, 2)) as visibility_miles,
    cast(w.pressure as decimal(6, 1)) as pressure_millibars,
    case
        when w.visib < 3 then 'LOW_VISIBILITY'
        when w.temp <= 32 and w.precip > 0 then 'ICE_OR_SNOW'
        when w.wind_gust >= 35 then 'HIGH_WIND'
        when w.precip > 0 then 'RAIN'
        else 'FAIR'
    end as conditions
from raw.weather as w
