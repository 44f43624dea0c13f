# SPDX-License-Identifier: BSL-1.0
"""The machine that the figures are from, and how noisy it is."""

import os
import platform
import subprocess
from pathlib import Path


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _first_line(path):
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError):
        return ""


def _keyed(path, key):
    """The value behind `key :` in a file such as /proc/cpuinfo, or an empty string."""
    try:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    except OSError:
        pass
    return ""


def _system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _quota():
    """The cgroup's limit in cores, where there is one."""
    limit, _, period = _first_line("/sys/fs/cgroup/cpu.max").partition(" ")
    if limit.isdigit() and period.isdigit():
        return f", limited to {int(limit) / int(period):.1f} by the cgroup"
    return ""


def describe():
    """Pairs of a name and a value, for the page."""
    flags = _keyed("/proc/cpuinfo", "flags").split()
    memory = _keyed("/proc/meminfo", "MemTotal").split()
    governor = _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    load = os.getloadavg()[0]
    facts = [
        ("Processor", _keyed("/proc/cpuinfo", "model name") or platform.machine()),
        ("Cores", f"{cores()} of {os.cpu_count()}{_quota()}"),
        ("Memory", f"{int(memory[0]) / 2**20:.1f} GiB" if memory else "unknown"),
        ("Machine", "virtual" if "hypervisor" in flags else "physical"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
        ("System", _system()),
        ("Load before", f"{load:.2f} (1 minute)"),
    ]
    if governor:
        facts.insert(3, ("Frequency governor", governor))
    return facts


def compiler(command):
    """`gcc 12.2.0` or `clang 19.1.7` for a compiler command such as `ccache g++`."""
    try:
        program = command.split()
        answer = subprocess.run(program + ["-dumpfullversion", "-dumpversion"],
                                capture_output=True, text=True, check=True, timeout=20)
        banner = subprocess.run(program + ["--version"], capture_output=True, text=True,
                                check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return command
    kind = "clang" if "clang" in banner.stdout.lower() else "gcc"
    return f"{kind} {answer.stdout.split()[0]}"


def spin(program, threads, slices):
    """Runs the spin program on so many threads; the milliseconds of each slice."""
    answer = subprocess.run([program, str(threads), str(slices)], capture_output=True, text=True,
                            check=True, timeout=120)
    return [float(line) for line in answer.stdout.split()]


def stolen_seconds():
    """CPU seconds since boot that the hypervisor gave to others, over all cores."""
    fields = _first_line("/proc/stat").split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK") if len(fields) > 8 else 0.0
