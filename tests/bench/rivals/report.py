# SPDX-License-Identifier: Apache-2.0
"""The table that a run prints. Ratios are a peer's time over ours: above 1 we are quicker."""
SORTED = "_sorted16"


def microseconds(us: float) -> str:
    return f"{us:,.0f}" if us >= 1000 else f"{us:.1f}" if us >= 100 else f"{us:.2f}"


def best(peers: dict) -> tuple[str, float] | None:
    """The quickest peer, whatever its precision."""
    return min(peers.items(), key=lambda item: item[1]) if peers else None


def python_lines(rows: list[dict]) -> list[str]:
    lines = [f"{'case':22}{'precision':>9} {'weighbridge':>12} {'p99':>8} {'x limit':>8}  peers, us (x ours)"]
    for row in (row for row in rows if row["call"] == "python"):
        ours = row["weighbridge_us"]
        winner = best(row["peers_us"])
        peers = []
        for name, us in row["peers_us"].items():
            mark = "*" if winner and name == winner[0] else ""
            peers.append(f"{name} {microseconds(us)} ({us / ours:.2f}{mark})")
        limit = f"{ours / row['limit_us']:.2f}" if row.get("limit_us") else "-"
        lines.append(f"{row['case']:22}{row['precision']:>9} {microseconds(ours):>12} "
                     f"{microseconds(row['p99_us']):>8} {limit:>8}  {', '.join(peers)}")
    lines.append("* the best peer of any precision; p99 of single calls")
    return lines


def c_lines(rows: list[dict]) -> list[str]:
    lines = ["", "C (of the peers: C: not at hand, their wheels have no headers)"]
    for row in (row for row in rows if row["call"] == "c"):
        head = f"{row['case']:22}{row['precision']:>9} "
        kind = row["case"].split("/")[0]
        if kind == "size":
            text = f"{row['stripped_kb']} KB stripped"
        elif kind == "memory":
            text = f"{row['resident_growth_kb']:,.0f} KB resident more, {row['beyond_weights_kb']:,} KB beyond weights"
        elif kind == "tail":
            peers = row["peers_us"]
            text = (f"p50 {peers['p50']:.2f}, p99.9 {peers['p99.9']:.2f} us: {peers['p99.9'] / peers['p50']:.2f} x; "
                    f"a loop that only adds: {peers['control_p99.9'] / peers['control_p50']:.2f} x")
        elif kind == "threads2":
            peers = row["peers_us"]
            text = (f"{microseconds(row['weighbridge_us'])} us a call: "
                    f"{peers['one_thread_rate_ratio']:.2f} x one thread, "
                    f"{peers['two_processes_rate_ratio']:.2f} x two processes")
        elif kind == "load":
            text = f"{row['weighbridge_us'] / 1000:.1f} ms from nothing to the first score"
        else:
            ours = row["weighbridge_us"]
            limit = row["limit_us"]
            text = f"{microseconds(ours)} us, {ours / limit:.2f} x the limit of {microseconds(limit)}"
            for name, us in row["peers_us"].items():
                text += f", {name} {microseconds(us)} ({us / ours:.2f} x ours)"
        lines.append(head + text)
    return lines


def limit_lines(peak: dict, streams: dict) -> list[str]:
    peaks = ", ".join(f"{name} {rate:.0f}" for name, rate in peak.items())
    reads = ", ".join(f"{size:,} B in {us:.2f} us" for size, us in sorted(streams.items()))
    return ["", f"limits: one core's G(FL)OP/s in registers: {peaks}", f"limits: hot weights read once: {reads}"]
