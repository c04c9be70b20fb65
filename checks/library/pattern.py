r"""Regular expressions: found wrong when they are declared, not when they run.

The engine's dialect is RE2 (https://github.com/google/re2/wiki/Syntax). It is Python's without lookaround and
backreferences, and with a few forms more; those are replaced by something of the same shape before Python compiles it.
"""

from __future__ import annotations

import re
import warnings

_TOO_MANY = 1000  # RE2 refuses larger repetition counts
_TOKEN = re.compile(
    r"""\\Q.*?(?:\\E|$)                           # quoted text
      | \\[pP](?:\{\^?[A-Za-z]\w*\}|\w)                   # Unicode classes
      | \[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]   # bracket expressions
      | \\x\{[0-9a-fA-F]+\} | \\.
      | \(\?P<\w+>
      | \(\?(?:<[=!]|P?[<=!>]|\(|[a-zA-Z-]+[:)]|[#|])
      | \{\d+(?:,\d*)?\}\+?
      | [*+?]\+
      | .""",
    re.VERBOSE | re.DOTALL,
)
_REFUSED = {
    "(?=": "lookahead is not supported",
    "(?!": "lookahead is not supported",
    "(?<=": "lookbehind is not supported",
    "(?<!": "lookbehind is not supported",
    "(?<": "a group is named with (?P<name>...)",
    "(?>": "atomic groups are not supported",
    "(?P=": "backreferences are not supported",
    "(?P>": "recursion is not supported",
    "(?(": "conditions are not supported",
    "(?#": "comments are not supported",
    "(?|": "branch reset is not supported",
}


def pattern_fault(pattern: str) -> str | None:
    """Return why the engine would refuse `pattern`, or None."""
    shape = []
    for match in _TOKEN.finditer(pattern):
        token = match.group()
        fault = _token_fault(token)
        if fault is not None:
            return fault
        shape.append(_in_python(token))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile("".join(shape))
    except (re.error, OverflowError) as error:
        return str(error)
    return None


def _token_fault(token: str) -> str | None:
    if token in _REFUSED:
        return _REFUSED[token]
    if re.fullmatch(r"\\[pP][^CLMNPSZ{]?", token):
        return f"{token} names no Unicode class"
    if re.fullmatch(r"\\[1-9]", token):
        return "backreferences are not supported"
    if re.fullmatch(r"\\[ZuUhNGKkXR]", token):
        return f"{token} is not supported"
    if len(token) > 1 and token[0] in "*+?{" and token[-1] == "+":
        return "possessive repetition is not supported"
    flags = re.fullmatch(r"\(\?([a-zA-Z-]+)[:)]", token)
    if flags and not re.fullmatch(r"[imsU]*(?:-[imsU]+)?", flags[1]):
        return f"the flags {flags[1]!r} are not among i, m, s and U"
    counts = [int(count) for count in re.findall(r"\d+", token)] if token[0] == "{" and len(token) > 1 else []
    return f"a repetition count is over {_TOO_MANY}" if any(count > _TOO_MANY for count in counts) else None


def _in_python(token: str) -> str:
    """Return something of the same shape that Python compiles."""
    if token.startswith("\\Q"):
        return f"(?:{re.escape(token[2:].removesuffix(chr(92) + 'E'))})"
    if token.startswith(("\\p", "\\P", "\\x{")) or token in ("\\z", "\\C"):
        return "w" if token not in ("\\z",) else "$"
    if token.startswith("[") and token.endswith("]") and len(token) > 1:
        classes = re.sub(r"\[:\^?\w+:\]|\\[pP](?:\{\^?[A-Za-z]\w*\}|\w)|\\x\{[0-9a-fA-F]+\}", r"\\w", token)
        return re.sub(r"(\\[dswDSW])-", r"\1\\-", classes)  # no range starts at a class: the dash is itself
    if token.startswith("(?P<") and token.endswith(">"):
        return "("
    if token.startswith("(?") and token.endswith((":", ")")):
        return "(?:" if token.endswith(":") else ""
    return token
