# SPDX-License-Identifier: Apache-2.0
"""Zone reads zoneinfo files as Python's zoneinfo module does."""

import datetime
import os
import pathlib
import subprocess
import zoneinfo

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release"))
DRIVER = BUILD / "tests" / "zone_offsets"
ZONES = pathlib.Path("/usr/share/zoneinfo")
NAMES = [
    "Africa/Cairo", "Africa/Casablanca", "America/Argentina/Buenos_Aires", "America/Caracas", "America/New_York",
    "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "Antarctica/Troll", "Asia/Gaza",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo", "Australia/Lord_Howe",
    "Europe/Dublin", "Etc/GMT+3", "Europe/London", "Europe/Paris", "Pacific/Apia", "Pacific/Chatham",
    "Pacific/Easter", "UTC",
]  # fmt: skip

BEGIN = 0
END = 4102444800  # 2100-01-01 UTC, where the expanded rules end
STEP = 2 * 86400  # below the shortest time between two transitions of a zone


def offset(zone, at):
    return int(datetime.datetime.fromtimestamp(at, zone).utcoffset().total_seconds())


def transitions(zone):
    """First instants of new offsets, found by halving."""
    found = []
    before = offset(zone, BEGIN)
    for right in range(BEGIN + STEP, END, STEP):
        after = offset(zone, right)
        if after == before:
            continue
        low, high = right - STEP, right
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
        found.append(high)
        before = after
    return found


@pytest.mark.parametrize("name", NAMES)
def test_offsets_around_transitions(name):
    if not DRIVER.is_file():
        pytest.skip(f"{DRIVER} is not built (WB_BUILD_DIR names the build folder)")
    path = ZONES / name
    if not path.is_file():
        pytest.skip(f"{path} is not there (package tzdata)")
    with path.open("rb") as file:
        zone = zoneinfo.ZoneInfo.from_file(file, key=name)
    around = {at + by for at in transitions(zone) for by in (-3600, -1, 0, 1, 3600)}
    instants = sorted(at for at in around | set(range(BEGIN, END, 97 * 86399)) | {END - 1} if BEGIN <= at < END)
    done = subprocess.run(
        [str(DRIVER), str(path)], input="\n".join(map(str, instants)), stdout=subprocess.PIPE, text=True, check=True
    )
    found = [int(line) for line in done.stdout.split()]
    assert len(found) == len(instants)
    wrong = [(at, have, offset(zone, at)) for at, have in zip(instants, found) if have != offset(zone, at)]
    assert not wrong, f"(instant, found, expected): {wrong[:5]}"
