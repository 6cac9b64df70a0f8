# SPDX-License-Identifier: Apache-2.0
"""The plug-in inside a Python that has torch of its own: python host_test.py {torch-first|plugin-first} HOST_LIBRARY

Asserts that both use one copy of LibTorch, that scores agree, that torch's own settings and the process's threads are as
they were, that nothing is printed, and that another LibTorch is refused by name.
"""
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

PLUGIN = os.environ["WEIGHBRIDGE_TEST_PLUGIN"]
MODULES = pathlib.Path(os.environ["WEIGHBRIDGE_TEST_MODULES"])
ROWS, WIDTH = 256, 1024


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def mapped_copies() -> set:
    with open("/proc/self/maps") as maps:
        return {line.split(maxsplit=5)[5].strip() for line in maps if line.rstrip().endswith("/libtorch_cpu.so")}


def settings() -> tuple:
    import torch
    return (torch.get_num_threads(), torch.get_num_interop_threads(), torch._C._get_graph_executor_optimize(),
            torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.get_default_dtype())


def score(host: ctypes.CDLL, libtorch: str = "") -> tuple:
    values = (ctypes.c_float * (ROWS * WIDTH))(*[(i % 7) * 0.25 for i in range(ROWS * WIDTH)])
    scores = (ctypes.c_float * ROWS)()
    message = ctypes.create_string_buffer(256)
    code = host.host_score(PLUGIN.encode(), libtorch.encode(), str(MODULES / "wide.ts").encode(), values,
                           ctypes.c_int64(ROWS), ctypes.c_int64(WIDTH), scores, message)
    return code, message.value.decode(), list(scores)


def expected_scores() -> list:
    import torch
    numbers = (torch.arange(ROWS * WIDTH, dtype=torch.float32).reshape(ROWS, WIDTH) % 7) * 0.25
    with torch.no_grad():
        return torch.jit.load(str(MODULES / "wide.ts")).eval()(numbers).tolist()


def check(order: str, library: str) -> None:
    host = ctypes.CDLL(library)
    before = None
    if order == "torch-first":
        expected = expected_scores()  # torch's own threads have started
        before = settings()
    else:
        assert "torch" not in sys.modules
        code, message, _ = score(host)  # maps LibTorch
        assert code == 0, message
    running = threads()
    code, message, scores = score(host)
    assert code == 0, message
    assert threads() == running, (threads(), running)
    assert len(mapped_copies()) == 1, mapped_copies()
    if order == "torch-first":
        assert settings() == before, (settings(), before)
        with tempfile.TemporaryDirectory() as other:
            (pathlib.Path(other) / "version.py").write_text("__version__ = '2.11.0'\n")
            (pathlib.Path(other) / "lib").mkdir()
            code, message, _ = score(host, other + "/lib")
            assert code == -13 and "2.11.0" in message and other in message and "is loaded from" in message, message
    else:
        expected = expected_scores()
        assert settings()[0] == len(os.sched_getaffinity(0)) or os.environ.get("OMP_NUM_THREADS")
    assert max(abs(a - b) for a, b in zip(scores, expected)) < 1e-3
    assert len(mapped_copies()) == 1, mapped_copies()


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[3] == "child":
        check(sys.argv[1], sys.argv[2])
    else:
        done = subprocess.run([sys.executable, "-W", "ignore", __file__, sys.argv[1], sys.argv[2], "child"],
                              capture_output=True, text=True)
        print(done.stdout + done.stderr, end="")
        sys.exit(done.returncode or (1 if done.stdout or done.stderr else 0))
