/* @asset
description: Names of the reporting carriers
tags: [staging]
columns:
  carrier: {checks: [not_null, unique]}
  carrier_name: {checks: [not_null]}
*/
select l.carrier, l.name as carrier_name
from raw.airlines as l
