# SPDX-License-Identifier: Apache-2.0
"""Two private networks: the near one, where Evergate runs and the test's main thread is, and the far one, where
clients and endpoints may be, with a link between them whose quality a test decides. Needs root."""
import contextlib
import functools
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import link  # noqa: E402
from harness.real_api import PrivateNetwork, _CLONE_NEWNET, _check, _libc  # noqa: E402

NEAR = "10.79.0.1"
FAR = "10.79.0.2"
FAR_ADDRESSES = [f"10.79.0.{number}" for number in range(2, 10)]
DEVICE = "evg0"


@functools.lru_cache(maxsize=None)
def missing(*tools):
    """Why it cannot run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "needs /dev/net/tun"
    absent = [tool for tool in ("ip", "unshare", *tools) if shutil.which(tool) is None]
    if absent:
        return f"needs {', '.join(absent)} (deploy/install-packages.sh test)"
    probe = subprocess.run(["unshare", "--net", "ip", "tuntap", "add", "dev", DEVICE, "mode", "tun"],
                           capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"needs network namespaces and TUN: {probe.stderr.strip()}"


def ip(text):
    subprocess.run(["ip", *text.split()], check=True)


def _here():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class FaultNetwork(PrivateNetwork):
    def __enter__(self):
        super().__enter__()
        self._near = _here()
        near = self._device([NEAR])
        _check(_libc.unshare(_CLONE_NEWNET))
        self._far = _here()
        ip("link set lo up")
        far = self._device(FAR_ADDRESSES)
        _check(_libc.setns(self._near, _CLONE_NEWNET))
        self.link = link.Link(near, far)
        self._nft = False
        return self

    def __exit__(self, *_):
        self.link.close()
        super().__exit__()
        os.close(self._near)
        os.close(self._far)

    @staticmethod
    def _device(addresses):
        fd = link.open_tun(DEVICE)
        for address in addresses:
            ip(f"address add {address}/24 dev {DEVICE}")
        ip(f"link set {DEVICE} up")
        return fd

    @contextlib.contextmanager
    def far(self):
        """Sockets made, threads and programs started in here belong to the far network."""
        _check(_libc.setns(self._far, _CLONE_NEWNET))
        try:
            yield
        finally:
            _check(_libc.setns(self._near, _CLONE_NEWNET))

    @contextlib.contextmanager
    def rule(self, text, chain="output"):
        """An nftables rule of the near network: `rule("tcp dport 80 drop")`."""
        self._chains()
        subprocess.run(["nft", f"add rule inet faults {chain} {text}"], check=True)
        try:
            yield
        finally:
            subprocess.run(["nft", f"flush chain inet faults {chain}"], check=True)

    def _chains(self):
        if not self._nft:
            subprocess.run(["nft", "add table inet faults"], check=True)
            for chain in ("input", "output"):
                subprocess.run(["nft", f"add chain inet faults {chain} {{ type filter hook {chain} priority 0; }}"],
                               check=True)
        self._nft = True

    @staticmethod
    def device(state):
        """"up" or "down", of the near end."""
        ip(f"link set {DEVICE} {state}")
