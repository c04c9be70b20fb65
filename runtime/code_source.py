"""Sources that a user's function reads: taken in by calling it, asked for free by calling the other one, `observe`.

An equal version token proves the data unchanged, as its author says. A token counts only if it was the same before and
after the data was read: what was read in between is what it stands for.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.assets.asset import Asset, Source
from headwater.assets.errors import HeadwaterError, StepError
from headwater.assets.key import AssetKey
from headwater.runtime.sources import file_state, require_unchanged
from headwater.runtime.state import SourceNow, State

if TYPE_CHECKING:
    from headwater.runtime.build import Draft
    from headwater.runtime.loading import Loaded
    from headwater.runtime.python_run import Log

_LONGEST_TOKEN = 200  # characters that are recorded as they are; of longer ones the digest is


def code_sources_now(
    assets: Iterable[Asset], state: State, loaded: Loaded, *, verify: bool, taken_in: Collection[AssetKey] = ()
) -> dict[AssetKey, SourceNow]:
    """Return what is known for free of each source that a function reads and that was taken in before.

    Those with `observe` are asked. Of the others only reading their data can tell: with `verify` that is said, else
    they are left out, and judged as of the last observation; so are those that were `taken_in` for this very question.
    """
    found: dict[AssetKey, SourceNow] = {}
    for asset in assets:
        seen = state.observed.get(asset.key)
        if not asset.is_read_by_code or asset.source is None or seen is None:
            continue
        if asset.source.observe:
            found[asset.key] = _asked(asset, recorded_token(seen.state), loaded)
        elif verify and asset.key not in taken_in:
            found[asset.key] = SourceNow(None, detail="it declares no `observe`")
    return found


def _asked(asset: Asset, before: str | None, loaded: Loaded) -> SourceNow:
    prefix = loaded.folder_of[asset.location.file]
    try:
        now = version_token(asset, loaded.config.root, prefix, loaded.python_texts(), _to_stderr)
    except (HeadwaterError, OSError) as error:
        return SourceNow(None, problem=f"the `observe` of {asset.key} failed: {error}")
    if now is None:
        return SourceNow(None, problem=f"the `observe` of {asset.key} returned None, so nobody can tell.")
    if before is None:
        return SourceNow(None, detail="no version token was known then")
    if now == before:
        return SourceNow(False, state=token_state(now))
    return SourceNow(True, detail=f"its version token was {_shown(before)}, and is {_shown(now)} now")


def take_in_code(draft: Draft) -> str:
    """Call the function of a source and store what it returns. Returns the version token as it is recorded, or "".

    Raises StepError where the function or `observe` raises, and where the token is another one after than before: what
    was read may be half old, half new.
    """
    from headwater.runtime.python_run import call_function

    order, asset = draft.order, draft.order.resolved.asset
    assert asset.source is not None, "an external asset has a source"
    place = order.root, order.key_prefix, order.python
    before = version_token(asset, *place, draft.log) if asset.source.observe else None
    result, _, draft.added_keys = call_function(order, draft.session, draft.log)
    _store(draft, result)
    if before is not None and version_token(asset, *place, draft.log) != before:
        raise StepError(f"The source {order.key} changed while it was read.", "Run again.")
    return token_state(before)


def version_token(asset: Asset, root: Path, key_prefix: str, texts: Mapping[str, str], log: Log) -> str | None:
    """Call the `observe` of a source and return its answer as text, marked with its type; None: it cannot tell.

    Raises StepError where it raises, or returns anything else.
    """
    from headwater.runtime.python_run import called, declared_function, require_same_code

    observe = declared_function(asset, root, key_prefix).observe
    if not callable(observe):
        raise StepError(f"{asset.location.file} no longer observes {asset.key}.", "Run again.")
    token = called(observe, root, log)
    require_same_code(asset, root, texts)
    try:
        return None if token is None else token_text(token)
    except TypeError as error:
        remedy = "Return a text, an integer or bytes; or None where it cannot tell."
        raise StepError(f"The `observe` of {asset.key} returned a {error}.", remedy) from error


def token_text(token: object) -> str:
    """Return a version token as text: equal for equal tokens of one type only. Raises TypeError naming another type."""
    if isinstance(token, bytes):
        text = f"bytes:{token.hex()}"
    elif isinstance(token, str):
        text = f"str:{token!s}"
    elif isinstance(token, int) and not isinstance(token, bool):
        text = f"int:{token:x}"
    else:
        raise TypeError(type(token).__name__)
    if len(text) <= _LONGEST_TOKEN:
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def token_state(token: str | None) -> str:
    """Return a version token as it is recorded, JSON text; empty where there is none."""
    return "" if token is None else json.dumps({"token": token})


def recorded_token(state: str) -> str | None:
    """Return the version token in a recorded state, or None: there was none, or the source was a file then."""
    found = json.loads(state) if state.startswith("{") else {}
    token = found.get("token")
    return token if isinstance(token, str) else None


def _store(draft: Draft, result: object) -> None:
    """Store what the function returned as the data of the source."""
    order = draft.order
    if isinstance(result, str):
        from headwater.runtime.build import returned_sql

        draft.text, _, _ = returned_sql(order, result)
        draft.session.build_table(order.physical, draft.text)
    elif isinstance(result, os.PathLike):
        _store_file(draft, order.root / Path(result))
    elif result is None:
        remedy = "Return a frame, an Arrow table, a relation, SQL text or a path; with no rows if there are none."
        raise StepError(f"{order.key} returned nothing.", remedy)
    else:
        draft.session.build_from_object(order.physical, result)


def _store_file(draft: Draft, path: Path) -> None:
    order, asset = draft.order, draft.order.resolved.asset
    if not path.resolve().is_relative_to(order.root.resolve()):
        message = f"{order.key} returned the path {path}, which is outside the project."
        raise StepError(message, "Write the file into the project, as into .headwater/.")
    before = file_state(path)
    draft.session.ingest(order.physical, Source(file=str(path)), path, tuple(asset.declared_types()))
    require_unchanged(path, before)


def _shown(token: str) -> str:
    kind, _, value = token.partition(":")
    return repr(value) if kind == "str" else str(int(value, 16)) if kind == "int" else value


def _to_stderr(line: str) -> None:
    """What is printed while a question is answered goes where progress goes: the answer has standard output."""
    print(line, file=sys.stderr)
