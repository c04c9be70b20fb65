/* @asset
description: The aircraft register, one row for each tail number
tags: [staging]
columns:
  tail_number: {checks: [not_null, unique, {matches: "^N[0-9A-Z]+$"}]}
  manufactured_year: {checks: [{between: {min: 1950, max: 2013}}]}
  seats: {checks: [{between: {min: 1, max: 500}}]}
*/
select
    p.tailnum as tail_number,
    p.year as manufactured_year,
    p.manufacturer,
    p.model,
    p.seats,
    p.engine as engine_type
from raw.planes as p
