"""The package stands on the standard library: a project with partitions starts as fast as one without."""

from __future__ import annotations

import subprocess
import sys

CODE = "import sys, headwater.assets.partitions, headwater.lineage.slices; print(' '.join(sys.modules))"


def test_it_imports_the_standard_library_only():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    ours = {name for name in loaded if name == "headwater" or name.startswith(("_", "encodings"))}
    assert loaded - ours - set(sys.stdlib_module_names) - {"__main__", "sitecustomize"} == set()
