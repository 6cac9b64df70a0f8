#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times the Python package for tests/bench/run_bindings.sh; tests/bench/README.md says how it is called and what it prints.
# WB_PYTHON names the interpreter (.venv/bin/python), for which the build's module was made.
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${WB_PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || { echo "no interpreter $python" >&2; exit 77; }
library=
arguments=("$@")
while [ $# -gt 0 ]; do
    [ "$1" != --library ] || library=${2:-}
    shift
done
package=$(dirname "$library")/python
ls "$package"/weighbridge/_native*.so >/dev/null 2>&1 || { echo "no Python module in $package" >&2; exit 77; }
"$python" -c 'import pandas' 2>/dev/null || { echo "pandas is not installed (python/requirements.txt)" >&2; exit 77; }
PYTHONPATH=$package exec "$python" "$root/python/bench/one_row.py" "${arguments[@]}"
