# SPDX-License-Identifier: Apache-2.0
"""What the kernel says about a process: descriptors, sockets, memory, processor time."""
import os
import re
import socket
import struct

TICKS = os.sysconf("SC_CLK_TCK")
LISTEN, ESTABLISHED, CLOSE_WAIT = "0A", "01", "08"


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def socket_inodes(pid):
    inodes = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            inodes.add(int(target[8:-1]))
    return inodes


def _address(text):
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    words = struct.unpack(f"<{len(raw) // 4}I", raw)
    raw = struct.pack(f">{len(words)}I", *words)
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, raw), int(port, 16)


def tcp_sockets(pid):
    """(state, local, remote, inode) of every TCP socket the process holds."""
    mine = socket_inodes(pid)
    found = []
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
                lines = file.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[9]) in mine:
                found.append((fields[3], _address(fields[1]), _address(fields[2]), int(fields[9])))
    return found


def listening(pid):
    """{(address, port): {inodes}} of the listening sockets: several per address with SO_REUSEPORT."""
    sockets = {}
    for state, local, _, inode in tcp_sockets(pid):
        if state == LISTEN:
            sockets.setdefault(local, set()).add(inode)
    return sockets


def in_state(pid, state):
    return sum(1 for entry in tcp_sockets(pid) if entry[0] == state)


def describe(pid):
    """Descriptors by kind, for the message of a failure."""
    kinds = {}
    sockets = {entry[3]: f"{entry[1][0]}:{entry[1][1]}-{entry[2][0]}:{entry[2][1]} {entry[0]}" for entry in tcp_sockets(pid)}
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        if target.startswith("socket:["):
            target = sockets.get(int(target[8:-1]), "unix")
        kinds[target] = kinds.get(target, 0) + 1
    return kinds


def connections_to(pid, ports):
    return sum(1 for _, _, remote, _ in tcp_sockets(pid) if remote[1] in ports)


def rss(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024


def peak_rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024


def children(pid):
    """The process and everything below it."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except OSError:
            continue
    tree, todo = [], [pid]
    while todo:
        tree.append(todo.pop())
        todo += parents.get(tree[-1], [])
    return tree


def name(pid):
    """The program's, or what the kernel keeps of it: 15 characters; empty when it has ended."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def cpu_seconds(pids):
    """User and system time used so far by these processes. In ticks of the kernel: 10 ms steps."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def cpu_seconds_fine(pid):
    """Time on a processor of every thread, in nanosecond steps (schedstat)."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def stopped(pid):
    """Every thread of it: SIGSTOP stops one, which has to run to stop the others."""
    states = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as file:
            states.append(file.read().rsplit(")", 1)[1].split()[0])
    return all(state in "Tt" for state in states)


def start_time(pid):
    """With the pid it names one process for ever, even when pids are reused."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return int(file.read().rsplit(")", 1)[1].split()[19])


def memory_holds(pid, needles):
    """Which of these byte strings (name: bytes) are somewhere in the memory the process can write."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                held = memory.read(end - begin)
            except (OSError, OverflowError):
                continue  # unmapped meanwhile, or the kernel's own
            found |= {name for name, needle in needles.items() if needle in held}
    return found
