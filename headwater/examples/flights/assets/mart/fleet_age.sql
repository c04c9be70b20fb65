/* @asset
description: Aircraft that each carrier flew in a month, and their average age in years
owner: performance@example.com
tags: [fleet]
checks:
  - unique: [year, month, carrier]
  - expression: "aircraft_of_known_age <= aircraft"
columns:
  average_age_years: {checks: [{between: {min: 0, max: 60}}]}
*/
with flown as (
    select distinct f.year, f.month, f.carrier, f.tail_number
    from stg.flights as f
    where f.departed and f.tail_number is not null
),

aged as (
    select
        n.year,
        n.month,
        n.carrier,
        count(*) as aircraft,
        count(p.manufactured_year) as aircraft_of_known_age,
        cast(sum(n.year - p.manufactured_year) as bigint) as years
    from flown as n
    left join stg.planes as p on p.tail_number = n.tail_number
    group by n.year, n.month, n.carrier
)

select
    a.year,
    a.month,
    a.carrier,
    a.aircraft,
    a.aircraft_of_known_age,
    cast((20 * a.years + a.aircraft_of_known_age) // (2 * nullif(a.aircraft_of_known_age, 0)) * 0.1 as decimal(4, 1))
        as average_age_years
from aged as a
