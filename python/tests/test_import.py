# SPDX-License-Identifier: Apache-2.0
"""What an import brings, and what it refuses."""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import weighbridge

PACKAGE = pathlib.Path(weighbridge.__file__).parent


def run(program: str, path: pathlib.Path = PACKAGE.parent, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(path), **environment})


def test_an_import_brings_neither_torch_nor_pandas_nor_a_thread():
    program = ("import sys, weighbridge; print([name for name in ('torch', 'pandas', 'polars', 'pyarrow', 'tqdm', 'asyncio')"
               " if name in sys.modules]); import os; print(len(os.listdir('/proc/self/task')))")
    # numpy's OpenBLAS starts threads of its own.
    done = run(program, OPENBLAS_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "1"], done.stdout


def test_the_tools_are_imported_when_they_are_asked_for():
    program = ("import sys, weighbridge; print('weighbridge.bundle' in sys.modules, 'skew' in dir(weighbridge)); "
               "print(weighbridge.check.__name__, weighbridge.bundle.draft.__name__, 'torch' in sys.modules); weighbridge.chek")
    done = run(program)
    assert done.stdout.splitlines() == ["False True", "check draft False"], done.stderr
    assert "AttributeError: module 'weighbridge' has no attribute 'chek'" in done.stderr


def test_an_import_is_quick():
    """Beyond numpy, which callers have; 0.3 s is asked for with it on a quiet machine."""
    program = "import time, numpy; t = time.perf_counter(); import weighbridge; print(time.perf_counter() - t)"
    took = [float(run(program).stdout) for _ in range(5)]
    assert statistics.median(took) < 0.3, took


def test_missing_functions_end_the_import():
    """Bound when it is loaded, so that no call ends the process for a function that an older library lacks."""
    said = subprocess.run(["readelf", "-d", weighbridge._native.__file__], capture_output=True, text=True, check=True)
    assert "BIND_NOW" in said.stdout or "NOW" in said.stdout


def copied(folder: pathlib.Path) -> pathlib.Path:
    """A package of its own, whose library is looked for beside it."""
    shutil.copytree(PACKAGE, folder / "weighbridge")
    return folder


def test_a_missing_library_is_said(tmp_path):
    native = next((copied(tmp_path) / "weighbridge").glob("_native*.so"))
    subprocess.run(["sed", "-i", "s/libweighbridge.so.1/libweighbridge.so.x/", native], check=True)
    done = run("import weighbridge", tmp_path)
    assert "ImportError" in done.stderr and "libweighbridge.so.x" in done.stderr and "Fatal" not in done.stderr


def test_a_library_of_another_version_is_refused(tmp_path):
    """One that has every function and a lesser minor number."""
    folder = copied(tmp_path)
    source = tmp_path / "older.c"
    source.write_text("#include <stdint.h>\nint32_t wb_abi_minor(void) { return 1; }\n", encoding="utf-8")
    older = tmp_path / "older.so"
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", older], check=True)
    library = next(line.split()[-1] for line in open("/proc/self/maps") if "libweighbridge.so" in line)
    done = run("import weighbridge", folder, LD_PRELOAD=str(older), LD_LIBRARY_PATH=str(pathlib.Path(library).parent))
    assert "ImportError: weighbridge: built for C ABI 1.2 or a later minor, the library has 1.1" in done.stderr, done.stderr


def test_it_claims_no_need_of_a_gil():
    """Run without a GIL nowhere here: no interpreter of that kind is installed."""
    import sysconfig

    program = "import sys, weighbridge; print(getattr(sys, '_is_gil_enabled', lambda: True)())"
    enabled = run(program).stdout.strip()
    assert enabled == str(not sysconfig.get_config_var("Py_GIL_DISABLED"))
