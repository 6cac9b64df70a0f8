# SPDX-License-Identifier: Apache-2.0
"""installed.py BUNDLE: uses an installed wheel, where nothing else is."""

import importlib.util
import json
import pathlib
import shutil
import sys
import time

began = time.perf_counter()
import weighbridge  # noqa: E402

took = time.perf_counter() - began
package = pathlib.Path(weighbridge.__file__).parent
assert "site-packages" in str(package), package
assert (package / "libweighbridge.so.1").exists() and (package / "py.typed").exists()
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "libweighbridge" in line}
assert mapped == {str(package / "libweighbridge.so.1")}, mapped
assert shutil.which("cc") is None and shutil.which("c++") is None and importlib.util.find_spec("torch") is None

bundle = pathlib.Path(sys.argv[1])
model = weighbridge.load(bundle)
lines = [json.loads(line) for line in (bundle / "golden.jsonl").read_text().splitlines()]
scores = model.score([line["row"] for line in lines])
for score, line in zip(scores.score, lines):
    assert abs(score - line["outputs"]["fraud"][0]) < 1e-6 and model.score(line["row"]).status == 0
print(f"weighbridge {weighbridge.__version__} on Python {sys.version.split()[0]}: imported in {took:.2f} s, "
      f"{len(lines)} golden rows right")
