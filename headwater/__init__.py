"""Headwater: declare data as code, know what is stale and why, publish nothing unchecked, prove it all.

Names are imported on first use, so that `import headwater as hw` in an asset file costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from headwater.api import Project as Project
    from headwater.api import load_plan as load_plan
    from headwater.api import load_project as load_project
    from headwater.api import save_plan as save_plan
    from headwater.assets.declare import asset as asset
    from headwater.assets.declare import external as external
    from headwater.assets.partition_functions import All as All
    from headwater.assets.partition_functions import Daily as Daily
    from headwater.assets.partition_functions import Dynamic as Dynamic
    from headwater.assets.partition_functions import Hourly as Hourly
    from headwater.assets.partition_functions import Identity as Identity
    from headwater.assets.partition_functions import Latest as Latest
    from headwater.assets.partition_functions import Monthly as Monthly
    from headwater.assets.partition_functions import PerDimension as PerDimension
    from headwater.assets.partition_functions import Quarterly as Quarterly
    from headwater.assets.partition_functions import Static as Static
    from headwater.assets.partition_functions import StaticMap as StaticMap
    from headwater.assets.partition_functions import Weekly as Weekly
    from headwater.assets.partition_functions import Window as Window
    from headwater.assets.partition_functions import Yearly as Yearly
    from headwater.checks.functions import accepted_values as accepted_values
    from headwater.checks.functions import between as between
    from headwater.checks.functions import expression as expression
    from headwater.checks.functions import matches as matches
    from headwater.checks.functions import not_null as not_null
    from headwater.checks.functions import relationship as relationship
    from headwater.checks.functions import row_count as row_count
    from headwater.checks.functions import sql as sql
    from headwater.checks.functions import unique as unique
    from headwater.runtime.python_io import Context as Context
    from headwater.runtime.python_io import Input as Input

_CHECKS = (
    "accepted_values",
    "between",
    "expression",
    "matches",
    "not_null",
    "relationship",
    "row_count",
    "sql",
    "unique",
)
_PARTITIONS = (
    "All",
    "Daily",
    "Dynamic",
    "Hourly",
    "Identity",
    "Latest",
    "Monthly",
    "PerDimension",
    "Quarterly",
    "Static",
    "StaticMap",
    "Weekly",
    "Window",
    "Yearly",
)
_NAMES = {
    "asset": "headwater.assets.declare",
    "external": "headwater.assets.declare",
    "Input": "headwater.runtime.python_io",
    "Context": "headwater.runtime.python_io",
    "Project": "headwater.api",
    "load_plan": "headwater.api",
    "load_project": "headwater.api",
    **dict.fromkeys(_PARTITIONS, "headwater.assets.partition_functions"),
    "save_plan": "headwater.api",
    **dict.fromkeys(_CHECKS, "headwater.checks.functions"),
}

__all__ = ["__version__", *sorted(_NAMES)]


def __getattr__(name: str) -> object:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'headwater' has no attribute {name!r}")
