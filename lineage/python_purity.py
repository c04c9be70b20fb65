"""Where the outside world, the clock or chance enters Python code, and what cannot be followed. Plain lists that rule.

Writing is not in them: what an asset writes does not decide what it is made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def words(text: str) -> frozenset[str]:
    """Return the words of `text`."""
    return frozenset(text.split())


# Everything below these modules counts, but for the names that are exempt.
_IMPURE_MODULES = words(
    """
    aiohttp boto3 botocore dbm faker fsspec ftplib gcsfs getpass glob google http httpx imaplib kafka mmap
    multiprocessing numpy.random os paramiko platform poplib psycopg psycopg2 pyarrow.csv pyarrow.dataset pyarrow.fs
    pyarrow.parquet pymongo pymysql random redis requests s3fs secrets select shelve smtplib socket sqlalchemy sqlite3
    ssl subprocess time urllib uuid
    """
)
_EXEMPT = words(
    """
    http.HTTPStatus os.PathLike os.fspath os.linesep os.makedirs os.mkdir os.path.basename os.path.commonpath
    os.path.dirname os.path.join os.path.normpath os.path.sep os.path.split os.path.splitext os.remove os.rename
    os.replace os.sep os.unlink time.sleep time.strptime urllib.parse uuid.UUID uuid.uuid3 uuid.uuid5
    pyarrow.csv.WriteOptions pyarrow.csv.write_csv pyarrow.parquet.ParquetWriter pyarrow.parquet.write_table
    """
)
_IMPURE_NAMES = words(
    """
    hash id input open io.open sys.argv sys.stdin datetime.datetime.now pathlib.Path.cwd pathlib.Path.home
    """
)
_IMPURE_ATTRIBUTES = words("default_rng environ getenv iterdir now urandom urlopen utcnow")
_IMPURE_CALLS = words("exists glob is_dir is_file lstat open rglob sample shuffle stat today")
_READERS = re.compile(r"(?:read|scan)_(?!all$|next_batch$|pandas$|only)\w+|from_csv\w*|from_parquet")
_ENGINE = re.compile(r"duckdb\.(?!typing\b|sqltypes\b|functional\b)[a-z]\w*")  # work on the engine's own connection
_SQL = re.compile(
    r"\b(?:(?:gen_)?random(?:_uuid)?|uuid(?:v4|v7)?|setseed|nextval|now|today|get_current_time(?:stamp)?|getenv|glob"
    r"|read_(?:csv|csv_auto|parquet|json|json_auto|ndjson|text|blob)|parquet_scan)\s*\("
    r"|\bcurrent_(?:date|time|timestamp)\b",
    re.IGNORECASE,
)

_UNFOLLOWABLE = words(
    """
    __builtins__ __doc__ __import__ breakpoint builtins cloudpickle code compile ctypes dill eval exec gc globals
    importlib inspect joblib.load locals marshal pickle pkgutil runpy sys._getframe sys.meta_path sys.modules
    sys.path_hooks zipimport
    """
)
_UNFOLLOWABLE_ATTRIBUTES = words(
    "__builtins__ __closure__ __code__ __doc__ __globals__ __subclasses__ getdoc import_module"
)


def impure_names(names: Iterable[str]) -> set[str]:
    """Return a sentence for each absolute name through which something enters from outside."""
    return {f"calls {name}" for name in names if _enters(name)}


def impure_attributes(attributes: Iterable[str], called: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Return a sentence for each attribute, or SQL within a text, through which something enters from outside."""
    found = {f"calls .{a}" for a in attributes if a in _IMPURE_ATTRIBUTES or _READERS.fullmatch(a)}
    found |= {f"calls .{a}" for a in called if a in _IMPURE_CALLS}
    return found | {f"its SQL calls {match[0].rstrip(' (')}" for text in texts if (match := _SQL.search(text))}


def unfollowable(names: Iterable[str], attributes: Iterable[str]) -> set[str]:
    """Return a sentence for each name or attribute behind which any code may stand."""
    found = {f"{name} cannot be followed" for name in names if any(part in _UNFOLLOWABLE for part in _prefixes(name))}
    return found | {f".{name} cannot be followed" for name in attributes if name in _UNFOLLOWABLE_ATTRIBUTES}


def _enters(name: str) -> bool:
    prefixes = _prefixes(name)
    if any(prefix in _EXEMPT for prefix in prefixes):
        return False
    if any(prefix in _IMPURE_MODULES or prefix in _IMPURE_NAMES for prefix in prefixes) or _ENGINE.match(name):
        # A module that is only named may be passed on; `os.path` alone stands for its functions, which are seen.
        return name not in ("os.path", "duckdb")
    last = name.rsplit(".", 1)[-1]
    return "." in name and bool(last in _IMPURE_ATTRIBUTES or _READERS.fullmatch(last))


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]
