# SPDX-License-Identifier: Apache-2.0
"""What host and importer ask of the system, by strace: files made, changed or read, sockets, processes."""
import collections
import json
import pathlib
import re
import shutil
import subprocess

LINE = re.compile(r"(?P<time>\d+\.\d+) (?P<call>\w+)\((?P<arguments>.*?)\)? += (?P<result>-?\w+)(?P<more>.*)")
GROUPS = {
    "files": re.compile(r"open|openat|openat2|creat|unlink|unlinkat|rename\w*|mkdir\w*|rmdir|link|linkat|symlink\w*|truncate|"
                        r"ftruncate|f?chmod\w*|[fl]?chown\w*|mknod\w*|[fl]?setxattr|utime\w*|memfd_create"),
    "sockets": re.compile(r"socket\w*|connect|bind|listen|accept4?|send\w+|recv\w+"),
    "processes": re.compile(r"fork|vfork|clone3?|execve(at)?|t?g?kill|ptrace|process_vm_\w+|pidfd_\w+"),
}
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE")
IMPORTER = "weighbridge-importer"


class Trace:
    """The calls of one command and of what it starts, process by process."""

    def __init__(self, folder: pathlib.Path, *command):
        folder.mkdir()
        self.done = subprocess.run(["strace", "-ff", "-ttt", "-s", "300", "-o", folder / "log", *map(str, command)],
                                   capture_output=True, text=True)
        self.calls = {int(path.suffix[1:]): [found for line in path.read_text(errors="replace").splitlines()
                                             if (found := LINE.match(line))] for path in folder.glob("log.*")}
        self.importers = {number for number, calls in self.calls.items()
                          if any(one["call"] == "execve" and IMPORTER in one["arguments"] and one["result"] == "0"
                                 for one in calls)}
        threads = {int(one["result"]) for number in self.importers for one in self.calls[number]
                   if one["call"] in ("clone", "clone3") and one["result"].isdigit()}
        self.confined = self.importers | threads

    def behind_sandbox(self) -> list:
        """Calls of importers and their threads after the filter stood for all of them."""
        stood = [float(one["time"]) for number in self.importers for one in self.calls[number]
                 if one["call"] == "seccomp" and one["result"] == "0"]
        return [one for number in self.confined for one in self.calls[number] if stood and float(one["time"]) > max(stood)]

    def of_host(self) -> list:
        return [one for number, calls in self.calls.items() if number not in self.confined for one in calls]


def group_of(call) -> str | None:
    return next((name for name, pattern in GROUPS.items() if pattern.fullmatch(call["call"])), None)


def counted(calls) -> dict:
    """By group, what succeeded, and what was refused."""
    counts = collections.Counter({f"{name} {how}": 0 for name in GROUPS for how in ("had", "refused")})
    for one in calls:
        if group := group_of(one):
            counts[f"{group} {'refused' if one['result'] == '-1' else 'had'}"] += 1
    return dict(counts)


def host_files(calls, own: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What a host made or changed, and what it read beside the bundle, the library and the system's own."""
    made, read = [], []
    for one in calls:
        if group_of(one) != "files" or one["result"] == "-1":
            continue
        path = next(iter(re.findall(r'"([^"]*)"', one["arguments"])), "")
        changes = not one["call"].startswith("open") or WRITES.search(one["arguments"])
        if changes and path != "/dev/null":
            made.append(f"{one['call']}({one['arguments']})")
        elif path.startswith("/") and not path.startswith(own):
            read.append(path)
    return made, read


def unplanned(bundle: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    shutil.copytree(bundle, to)
    manifest = json.loads((to / "manifest.json").read_text())
    del manifest["files"]["model.plan"]
    (to / "model.plan").unlink()
    (to / "manifest.json").write_text(json.dumps(manifest))
    return to


def traced(options, report: dict, folder: pathlib.Path) -> list[str]:
    if not shutil.which("strace"):
        report["traced"] = "skipped: there is no strace"
        return []
    if (probe := Trace(folder / "probe", "true").done).returncode != 0:
        report["traced"] = f"skipped: strace may not trace here: {probe.stderr.strip().splitlines()[-1]}"
        return []
    faults, seen = [], report.setdefault("traced", {})
    build = str(pathlib.Path(options.library).resolve().parent)
    own = (str(folder), build, "/proc/", "/sys/", "/etc/ld.so", "/lib", "/usr/lib", "/dev/null")
    for bundle in sorted(path.parent for path in pathlib.Path(options.bundles).glob("*/manifest.json")):
        copy = unplanned(bundle, folder / bundle.name)
        trace = Trace(folder / f"trace-{bundle.name}", options.command, "verify", copy, "--import-cache", "none")
        made, read = host_files(trace.of_host(), own)
        host, importer = counted(trace.of_host()), counted(trace.behind_sandbox())
        seen[bundle.name] = {"host": {"files made or changed": len(made), "files read elsewhere": len(read),
                                      "sockets": host["sockets had"], "importers": len(trace.importers)},
                             "importer behind its sandbox": importer}
        if trace.done.returncode != 0 or len(trace.importers) != 1 or not trace.behind_sandbox():
            faults.append(f"traced {bundle.name}: no import seen: {trace.done.stderr.strip()[-300:]}")
        if made or read or host["sockets had"] or any(importer[f"{name} had"] for name in GROUPS):
            faults.append(f"traced {bundle.name}: {made} {read} {seen[bundle.name]}")
    return faults + escapes(options, seen, copy, folder)


def escapes(options, seen: dict, bundle: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """A plug-in of the tests, which tries in LibTorch's place what a module that took it over would: all is refused."""
    plugin = pathlib.Path(options.library).parent / "tests" / "fake_plugins" / "libfake_escapes.so"
    trace = Trace(folder / "trace-escapes", options.command, "verify", bundle, "--import-cache", "none", "--torch-plugin", plugin)
    importer = seen["escapes"] = {"importer behind its sandbox": counted(trace.behind_sandbox())}
    counts = importer["importer behind its sandbox"]
    if any(counts[f"{name} had"] or not counts[f"{name} refused"] for name in GROUPS) or "18 refused" not in trace.done.stderr:
        return [f"traced escapes: {counts} {trace.done.stderr.strip()[-300:]}"]
    return []
