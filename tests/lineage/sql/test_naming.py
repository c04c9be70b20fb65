"""Unnamed outputs bear the names that the engine gives them, and types are the engine's where they are claimed."""

from __future__ import annotations

import duckdb
import pytest

from headwater.lineage import analyse_sql

COLUMNS = {
    "i": "integer", "v": "varchar", "l": "integer[]", "d": "date", "ts": "timestamp", "b": "boolean",
    "s": "struct(a integer)", "j": "json", "name": "integer", "Year": "integer",
}  # fmt: skip
EXPRESSIONS = """
case when i=1 then 2 when i=2 then 3 end
case i when 1 then 'a' else 'b' end
i::decimal(10,2)
i::timestamptz
i::int[3]
i::ubigint
i::time
i::bit
i::blob
i::char
i::numeric(4)
i::bigint[]
map {'a':1}
s.a
s['a']
(s).a
l[1:2:1]
l[:2]
l[-1]
{'a':1}
row(1,2)
(1,2)
[1]
[]
[i for i in l]
list_filter(l, lambda x: x>1)
list_reduce(l, lambda x,y: x+y)
v.upper()
v.upper().length()
l.list_sum()
sum(i) filter (i>1)
sum(i) over (order by i)
sum(i) over w
count(*) over ()
count(*) filter (where i>1)
string_agg(v, ',' order by i)
string_agg(distinct v, ',')
i between 1 and 2
i not between 1 and 2
v like 'a%'
v not like 'a'
v ilike 'a'
v similar to 'a'
v ~ 'a'
v !~ 'a'
v ~~ 'a'
v glob 'a'
i in (1)
i not in (1)
i is null
i is not null
b is true
b is not true
not b
-i
-1
i is distinct from 1
exists(from u)
(select i from u limit 1)
date '2020-01-01'
extract(year from d)
extract('year' from d)
year(d)
date_part('year', d)
date_trunc('month', d)
date_diff('day', d, d)
datediff('day', d, d)
substring(v,1,2)
substr(v,1)
position('a' in v)
strpos(v,'a')
trim(v)
trim('a' from v)
ltrim(v)
coalesce(i,1)
ifnull(i,1)
nullif(i,1)
if(b,1,2)
greatest(1,2)
current_date
current_timestamp
now()
today()
get_current_timestamp()
1
1.50
1e5
'x'
'it''s'
true
null
i+1
i + 1 * 2
(i+1)*2
i/2
i//2
i%2
i**2
i<<1
~i
i
i&1
i=1 and b
i=1 or b
i=1 and b and i=2
i=1 and (b and i=2)
not (i=1)
i<>1
i!=1
i==1
i<1
i<=1
count(i)
count(*)
count()
sum(distinct i)
median(i)
row_number() over (partition by v)
lag(i) over (order by i)
lag(i, 1, 0) over (order by i)
first_value(i ignore nulls) over (order by i)
unnest(l)
try_cast(v as int)
u.i
u.i+1
"i"+1
U.I+1
Upper(v)
SUM(I)
cast(v as date)
v::date
i::integer
b::int
i::real
i::hugeint
printf('%d',i)
round(i,2)
sum(i)/count(*)
sum(i*1.5)::int
max(v)
abs(-i)
struct_pack(a:=i)
list_value(1,2)
list_extract(l,1)
array_extract(l,1)
len(l)
length(v)
concat(v,'a')
concat_ws(',',v)
replace(v,'a','b')
left(v,1)
split_part(v,',',1)
string_split(v,',')
regexp_replace(v,'a','b')
regexp_extract(v,'a')
regexp_matches(v,'a')
strftime(d,'%Y')
strptime(v,'%Y')
md5(v)
hash(i)
epoch(ts)
age(ts)
make_date(1,2,3)
to_days(1)
list_sort(l)
list_distinct(l)
list_contains(l,1)
list_transform(l, lambda x: x + 1)
array_length(l)
map_keys(map{'a':1})
cardinality(map{'a':1})
any_value(i)
first(i)
last(i)
arg_max(i,v)
bool_and(b)
bit_or(i)
stddev(i)
var_pop(i)
corr(i,i)
regr_slope(i,i)
approx_quantile(i,0.5)
histogram(i)
avg(i)
mean(i)
product(i)
kurtosis(i)
list(i)
ceil(i)
ceiling(i)
floor(i)
power(i,2)
pow(i,2)
sqrt(i)
ln(i)
log(i)
log(2,i)
log2(i)
exp(i)
sign(i)
pi()
lpad(v,1,'a')
chr(65)
ascii(v)
starts_with(v,'a')
contains(v,'a')
typeof(i)
date_sub('day',d,d)
last_day(d)
dayname(d)
to_timestamp(i)
to_json(s)
json_group_array(i)
cast(i as varchar)
row_number() over (order by i rows between 1 preceding and current row)
sum(i) over (rows between unbounded preceding and unbounded following exclude current row)
list_sum(l)
list_max(l)
rank() over w
l 
 [1]
v 
 'a' 
 'b'
date_trunc('day', ts)
d - d
ts - ts
d + 1
list_aggregate(l,'sum')
array_agg(v)
min(i)
max(i, 2)
arg_min(v,i)
count_if(b)
bool_or(b)
lower(v)
reverse(v)
repeat(v,2)
instr(v,'a')
bar(i,0,1)
gcd(i,2)
format('{}',i)
list_concat(l,l)
list_append(l,1)
list_position(l,1)
list_slice(l,1,2)
array_slice(l,1,2)
flatten([l])
json_array_length(j)
j.a
to_base64('a'::blob)
monthname(d)
week(d)
quarter(d)
dayofweek(d)
hour(ts)
strlen(v)
translate(v,'a','b')
unicode(v)
sha256(v)
left(v,1)
right(v,1)
rpad(v,2,'x')
l[1]
v[1]
v[1:2]
[1,2,i]
['a',v]
coalesce(i,0)+1
cast(sum(i) as bigint)
sum(i)::double
round(avg(i),2)
i*2.0
case when b then i end
case when b then v else 'x' end
sum(case when b then 1 else 0 end)
count(distinct v)
dense_rank() over (order by i desc)
ntile(4) over (order by i)
percent_rank() over (order by i)
string_agg(v)
nullif(v,'')
greatest(i,1)
least(i,2)
bit_count(i)
sum(i) over (partition by v order by d)
"name" + 1
max("name")
"Year" + 1
u."Year" * 2
count(distinct i) + 1
i in l
""".strip().splitlines()


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in COLUMNS.items())
    connection.execute(f"create table u ({columns})")
    return connection


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_names_and_types_are_those_of_the_engine(connection: duckdb.DuckDBPyConnection, expression: str) -> None:
    sql = f"select {expression} from u window w as (order by i)"
    (described,) = connection.execute(f"describe {sql}").fetchall()
    analysis = analyse_sql(sql, schema={"u": COLUMNS})
    assert analysis.outputs is not None
    (output,) = analysis.outputs
    assert output.name == described[0]
    assert output.type in (None, described[1].lower())


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        ("i + 1", "integer"), ("i * 2.5", None), ("i / 2", "double"), ("sum(i)", "hugeint"), ("avg(i)", "double"),
        ("case when b then i end", "integer"), ("coalesce(v, 'x')", "varchar"), ("[i]", "integer[]"),
        ("s.a", "integer"), ("(s).a", "integer"), ("s['a']", "integer"), ("l[1]", "integer"), ("l[1:2]", "integer[]"),
        ("[x + 1 for x in l]", None), ("lag(i) over (order by i)", "integer"), ("v || 'x'", "varchar"),
        ("unnest(l)", "integer"), ("some_macro(i)", None), ("upper(v)", "varchar"), ("length(v)", "bigint"),
    ],
)  # fmt: skip
def test_types_that_are_certain_are_known(expression: str, type_: str | None) -> None:
    outputs = analyse_sql(f"select {expression} as z from u", schema={"u": COLUMNS}).outputs
    assert outputs is not None
    assert outputs[0].type == type_
