#!/usr/bin/env python3
"""Runs commands side by side and prints a Markdown table: time and peak memory of each.

    benches/measure.py SECONDS RUNS NAME COMMAND [NAME COMMAND ...]

All commands run once in each round, so that a busy moment of the machine hits all of them. A command that takes more than
SECONDS is stopped and measured no further. The peak is the largest resident set of the process or of one it waited for.
Exit codes 0 and 1 are answers; anything else is shown. Python 3.9 or later, nothing else.
"""

import os
import shlex
import signal
import statistics
import subprocess
import sys
import time


def once(command, limit):
    """Seconds, peak in bytes, exit code; `None` for the code when it was stopped."""
    with open(os.devnull, "r+b") as null:
        start = time.perf_counter()
        child = subprocess.Popen(
            shlex.split(command), stdin=null, stdout=null, stderr=null, start_new_session=True
        )

        def stop(*_):
            os.killpg(child.pid, signal.SIGKILL)

        signal.signal(signal.SIGALRM, stop)
        signal.alarm(limit)
        _, status, usage = os.wait4(child.pid, 0)
        signal.alarm(0)
        seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    code = child.returncode if child.returncode >= 0 else None
    return seconds, usage.ru_maxrss * 1024, code


def shown(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def main():
    if len(sys.argv) < 5 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    limit, runs = int(sys.argv[1]), int(sys.argv[2])
    commands = list(zip(sys.argv[3::2], sys.argv[4::2]))
    results = {name: [] for name, _ in commands}
    stopped = set()
    for number in range(runs + 1):
        for name, command in commands:
            if name in stopped:
                continue
            result = once(command, limit)
            if result[2] is None:
                stopped.add(name)
                results[name] = [result]
            elif number > 0 or result[0] > limit / 10:
                # The first round only warms the caches, unless a command is so slow that this does not matter.
                results[name].append(result)
    first = statistics.median(seconds for seconds, _, _ in results[commands[0][0]])
    print("| | time (median) | fastest | slowest | times ours | peak memory | exit code |")
    print("|---|---|---|---|---|---|---|")
    for name, _ in commands:
        times = [seconds for seconds, _, _ in results[name]]
        peak = max(peak for _, peak, _ in results[name]) / 2**20
        code = results[name][-1][2]
        if code is None:
            print(f"| {name} | stopped after {limit} s | | | > {limit / first:.0f} | {peak:.0f} MiB | |")
            continue
        median = statistics.median(times)
        print(
            f"| {name} | {shown(median)} | {shown(min(times))} | {shown(max(times))} "
            f"| {median / first:.1f} | {peak:.0f} MiB | {code} |"
        )


if __name__ == "__main__":
    main()
