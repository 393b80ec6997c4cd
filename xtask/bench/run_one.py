"""Runs one contestant in a process of its own and measures it from outside.

Usage: run_one.py CPUS LOG -- COMMAND…
CPUS is how many processors the command may use (its affinity). Prints one line of JSON:
wall_s, user_s, sys_s, rss_max_kib (of the whole process tree that was waited for), exit, cpus.
The command's standard output and error go to the file LOG.
"""

import json
import os
import sys
import time


def main() -> int:
    if len(sys.argv) < 5 or sys.argv[3] != "--":
        print("usage: run_one.py CPUS LOG -- COMMAND…", file=sys.stderr)
        return 2
    cpus = sorted(os.sched_getaffinity(0))[: int(sys.argv[1])]
    command = sys.argv[4:]
    with open(sys.argv[2], "wb") as log:
        # What an earlier run left to write must not be on this run's bill.
        os.sync()
        started = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            try:
                os.sched_setaffinity(0, cpus)
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                os.execvp(command[0], command)
            except OSError as error:
                os.write(2, f"failed to start {command[0]}: {error}\n".encode())
            os._exit(127)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - started
    print(
        json.dumps(
            {
                "wall_s": wall,
                "user_s": usage.ru_utime,
                "sys_s": usage.ru_stime,
                "rss_max_kib": usage.ru_maxrss,
                "exit": os.waitstatus_to_exitcode(status),
                "cpus": len(cpus),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
