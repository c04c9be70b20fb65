/* @asset
description: US airports, with those in the territories that New York flies to
tags: [staging]
columns:
  airport: {checks: [not_null, unique, {matches: "^[0-9A-Z]{3}$"}]}
  airport_name: {checks: [not_null]}
*/
select a.faa as airport, a.name as airport_name, a.tzone as time_zone
from raw.airports as a
-- The register leaves out Puerto Rico and the Virgin Islands.
union all
select t.airport, t.airport_name, t.time_zone
from (
    values
        ('BQN', 'Rafael Hernandez Airport', 'America/Puerto_Rico'),
        ('PSE', 'Mercedita Airport', 'America/Puerto_Rico'),
        ('SJU', 'Luis Munoz Marin International Airport', 'America/Puerto_Rico'),
        ('STT', 'Cyril E King Airport', 'America/St_Thomas')
) as t (airport, airport_name, time_zone)
