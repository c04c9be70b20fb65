"""What is known about functions. Our own list rules, not only the engine's: what neither knows is volatile."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from headwater.lineage.sql import function_names
from headwater.lineage.sql.function_names import words

if TYPE_CHECKING:
    from headwater.lineage.sql.context import Resolution

# The engine calls some of these consistent; they are not, between two builds.
CLOCK = words(
    """
    now today current_date current_time current_timestamp get_current_time get_current_timestamp localtime
    localtimestamp current_localtime current_localtimestamp transaction_timestamp ago curdate curtime getdate
    sysdate systimestamp statement_timestamp clock_timestamp current_datetime unix_timestamp_now
    """
)
# Clock functions of which the text can be replaced by one literal.
REPLACEABLE_CLOCK = words(
    """
    now today current_date current_time current_timestamp get_current_time get_current_timestamp localtime
    localtimestamp current_localtime current_localtimestamp transaction_timestamp
    """
)
VOLATILE = words(
    """
    random rand uuid uuidv4 uuidv7 gen_random_uuid newid nextval currval setval setseed current_setting
    getvariable getenv txid_current current_connection_id current_query current_query_id current_transaction_id
    current_database current_schema current_schemas current_catalog current_role current_user session_user user
    in_search_path error sleep_ms stats vector_type write_log get_block_size
    """
)
NILADIC = words("user session_user current_user current_role current_catalog current_schema rownum sysdate")
SPREADING = words(
    """
    unnest explode explode_outer posexplode posexplode_outer generate_subscripts flatten regexp_split_to_table
    json_each json_tree generate_series stack inline inline_outer
    """
)
COPYING_AGGREGATES = frozenset(["first"])
# Window functions that pick the value of one row.
PICKING = words("lag lead first_value last_value nth_value")
# Functions that show the type of their argument, or what a type allows, and no value.
OF_TYPES = words("typeof pg_typeof can_cast_implicitly")
MASKING = words("md5 md5_number md5_number_lower md5_number_upper sha1 sha256 sha2 sha512 hash")
# Functions whose result shows the name of a column or field, so that its spelling is data.
NAMES_AS_DATA = words(
    """
    alias struct_pack row typeof pg_typeof to_json row_to_json array_to_json json_object json_structure
    json_group_object json_group_structure struct_insert struct_concat struct_keys struct_entries
    object_construct to_jsonb jsonb_build_object json_build_object named_struct
    """
)
ORDER_DEPENDENT = words(
    """
    first last any_value arbitrary list array_agg string_agg group_concat listagg json_group_array
    json_group_object first_value last_value nth_value lag lead row_number ntile mode arg_min arg_max argmin
    argmax max_by min_by arg_max_null arg_min_null approx_quantile approx_top_k reservoir_quantile lttb
    """
)
FLOAT_SENSITIVE = words(
    """
    sum avg mean stddev stddev_pop stddev_samp variance var_pop var_samp product corr covar_pop covar_samp skewness
    kurtosis kurtosis_pop regr_slope regr_intercept regr_r2 sem geomean geometric_mean wavg weighted_avg
    """
)
LAMBDA_TAKERS = words(
    """
    list_transform array_transform apply list_apply array_apply transform list_filter array_filter filter
    list_reduce array_reduce reduce aggregate exists forall any_match all_match zip_with map_filter map_zip_with
    transform_keys transform_values columns list_sort array_sort
    """
)
# In these an arrow within the arguments of a function is never JSON extraction.
LAMBDA_DIALECTS = words("clickhouse spark databricks trino presto athena snowflake")
AGGREGATES = function_names.AGGREGATES | words(
    "collect_list collect_set approx_distinct approx_count_distinct any every some logical_or logical_and "
    "weighted_avg wavg json_group_array json_group_object json_group_structure geomean geometric_mean"
)
# Syntax that the parser turns into functions of its own names.
_SYNTAX = words(
    """
    cast try_cast case if extract trim substring position str_position array list struct map to_map json_extract
    json_extract_scalar json_extract_json exists in interval and or xor not collate greatest least overlay
    at_time_zone columns try array_contains_all array_overlaps unnest explode quantile percentile_cont
    percentile_disc coalesce nullif ifnull mod abs power floor ceil any_value group_concat substr date time
    timestamp current_date max min arg_max arg_min approx_quantile json_object json_array grouping grouping_id
    pi rank dense_rank percent_rank cume_dist int_div strposition json_b_contains jsonb_contains jsonb_exists
    jsonbcontains regexp_like regexp_i_like regexp_full_match starts_with array_concat array_slice apply row
    is_null convert to_char
    """
)
KNOWN = (
    function_names.PURE_SCALARS
    | AGGREGATES
    | function_names.WINDOW_FUNCTIONS
    | _SYNTAX
    | SPREADING
    | LAMBDA_TAKERS
    | words("range repeat repeat_row struct_extract row values count_star nvl")
)
PURE = KNOWN - CLOCK - VOLATILE

TABLE_FUNCTIONS = words(
    "range generate_series unnest repeat repeat_row json_each json_tree regexp_split_to_table generate_subscripts"
)
# Functions of other engines that yield rows from their arguments alone.
TAKING_APART = words(
    """
    flatten split_to_table strtok_split_to_table generator openjson open_json string_split jsonb_array_elements
    json_array_elements jsonb_array_elements_text json_array_elements_text jsonb_each json_each jsonb_each_text
    json_each_text jsonb_object_keys json_object_keys regexp_split_to_table regexp_matches string_to_table
    jsonb_to_recordset json_to_recordset jsonb_to_record json_to_record jsonb_populate_recordset json_tuple
    parse_url_tuple explode explode_outer posexplode posexplode_outer inline inline_outer stack json_table jsontable
    xmltable xml_table numbers variant_explode variant_explode_outer
    """
)
FILE_FUNCTIONS = words(
    """
    read_csv read_csv_auto read_parquet parquet_scan read_json read_json_auto read_json_objects
    read_json_objects_auto read_ndjson read_ndjson_auto read_ndjson_objects read_text read_blob
    """
)
# Functions that aggregate the elements of a list.
LIST_AGGREGATES = words("list_aggregate list_aggr array_aggregate array_aggr aggregate") | (
    frozenset(f"list_{name}" for name in AGGREGATES - {"first"}) & function_names.PURE_SCALARS
)
# Known, pure, one row in and one row out, minding neither names nor the order of rows.
PLAIN = PURE - SPREADING - NAMES_AS_DATA - ORDER_DEPENDENT - FLOAT_SENSITIVE


def is_pure(name: str) -> bool:
    """Return whether a function of this lower-case name gives equal results for equal arguments, at any time."""
    return name in PURE


def is_known(name: str) -> bool:
    """Return whether a function of this lower-case name is known at all, pure or not."""
    return name in KNOWN or name in CLOCK or name in VOLATILE


def takes_lambda(name: str) -> bool:
    """Return whether arrows in the arguments of this function are lambdas rather than JSON extraction."""
    return name in LAMBDA_TAKERS


def written_name(resolution: Resolution, node: Any) -> str:
    """Return the lower-case name of a function as it is written, or the parser's name for special syntax."""
    meta = node._meta
    if meta and "start" in meta and "end" in meta:
        return str(resolution.query.text[meta["start"] : meta["end"] + 1].strip('"`[]').lower())
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return syntax_name(type(node))


@cache
def _syntax_name(name: str) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return "string_agg" if name == "group_concat" else name


def syntax_name(node_type: type) -> str:
    """Return a lower-case name for a function that special syntax stands for."""
    return _syntax_name(node_type.__name__)
