# SPDX-License-Identifier: Apache-2.0
"""Called by tests/bench/run_bindings.sh, which says what it does."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from . import report

# By language: the program that its binding brings; arguments and output are in tests/bench/README.md.
PROGRAMS = {"java": "capi/java/bench/run.sh", "ruby": "capi/ruby/bench/run.sh", "python": "python/bench/run.sh"}
NOT_RUN = 77  # the exit code of a program that lacks its toolchain, and says so on its last line
LONGEST_S = 900


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--only", default=",".join(PROGRAMS))
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - set(PROGRAMS)
    if unknown:
        parser.error(f"--only: expected some of {', '.join(PROGRAMS)}, got {', '.join(sorted(unknown))}")
    return options


class Run:
    def __init__(self, options: argparse.Namespace, model):
        self.options, self.model = options, model
        self.seconds = 0.5 if options.quick else 3.0
        self.lines, self.failures, self.missing = [], [], {}

    def call(self, language: str, command: list) -> None:
        """Runs a program once and keeps its lines."""
        try:
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            self.failures.append(f"{language}: {command[0]} took longer than {LONGEST_S} s")
            return
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        if done.returncode == NOT_RUN:
            self.missing[language] = said
        elif done.returncode:
            self.failures.append(f"{language}: {command[0]} ended with {done.returncode}: {said}")
        else:
            self.read(language, done.stdout)

    def read(self, language: str, text: str) -> None:
        for line in text.splitlines():
            try:
                found = json.loads(line)
                fits = found["language"] == language and found["us"] > 0 and isinstance(found["case"], str)
                fits = fits and found.get("c_us", 1) > 0
            except (ValueError, KeyError, TypeError):
                fits = False
            if not fits:
                self.failures.append(f"{language}: expected lines of case, language and us, got {line[:100]!r}")
                return
            self.lines.append(found)

    def c(self) -> None:
        self.call("c", [self.options.build / "tests" / "bench_bindings_c", self.model.bundle, self.model.payments,
                        self.model.tolerance, self.seconds])

    def binding(self, language: str) -> None:
        program = self.options.root / PROGRAMS[language]
        if not program.exists():
            self.missing[language] = f"{PROGRAMS[language]} is not there"
            return
        self.call(language, [program, "--library", self.options.build / "libweighbridge.so", "--bundle",
                             self.model.bundle, "--payments", self.model.payments, "--tolerance", self.model.tolerance,
                             "--seconds", self.seconds, "--calls",
                             self.options.build / "tests" / "libbench_calls.so"])

    def all(self) -> None:
        """In turns, so that other work on the machine falls on all."""
        for _ in range(2 if self.options.quick else 5):
            self.c()
            for language in self.options.only.split(","):
                if language not in self.missing:
                    self.binding(language)
            if self.failures:
                return
        self.c()
        for language in self.options.only.split(","):
            got = {line["case"] for line in self.lines if line["language"] == language}
            lacking = report.expected(language) - got
            if lacking and language not in self.missing:
                self.failures.append(f"{language}: expected the cases {', '.join(sorted(lacking))} too, got "
                                     f"{', '.join(sorted(got)) or 'none'}")


def main() -> int:
    options = read_options()
    from . import model  # LibTorch's, which takes a second to load
    with tempfile.TemporaryDirectory() as folder:
        run = Run(options, model.Model(pathlib.Path(folder), options.build / "bin" / "weighbridge"))
        run.all()
    judged = report.judge(report.medians(run.lines))
    print(report.table(judged))
    for language, why in run.missing.items():
        print(f"not run: {language}: {why}")
    beyond = [entry for entry in judged if entry["within"] is False]
    print("\n".join(f"failed: {failure}" for failure in run.failures), end="\n" if run.failures else "")
    options.json.write_text(json.dumps({"cases": judged, "not_run": run.missing, "failures": run.failures}, indent=1),
                            encoding="utf-8")
    return 1 if run.failures or (options.strict and beyond) else 0


if __name__ == "__main__":
    sys.exit(main())
