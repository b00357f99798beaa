# SPDX-License-Identifier: Apache-2.0
"""A container as a runtime would start it: a root of its own, read-only if asked to, the user, capabilities and
no_new_privs of a securityContext, in the network of its pod. Needs root; no image and no runtime: the root is this
machine's /usr with our programs in /usr/local/bin, or the folder EVERGATE_IMAGE_ROOT, an unpacked image."""
import os
import pathlib
import shlex
import shutil
import signal
import subprocess

from . import procfs
from .programs import ROOT, Program, binaries

IMAGE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEVICES = ("null", "zero", "random", "urandom")
_TOOLS = ("unshare", "nsenter", "setpriv", "chroot", "mount", "ip")


def mounts_refused():
    """Why there are no private mounts here; empty when there are. A plain chroot, for example, has no root of its own to
    change."""
    refused = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False).stderr
    return f"no mount namespace: {refused.strip()}" if refused else ""


def missing():
    """Why it cannot run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        return f"needs {', '.join(absent)}"
    return mounts_refused()


def image_root():
    return os.environ.get("EVERGATE_IMAGE_ROOT", "")


def _own_root(root, script):
    """This machine's programs and libraries, and nothing else of it."""
    script.append(f"mount -t tmpfs -o mode=755 tmpfs {root}")
    script.append(f"mkdir -p {root}/usr {root}/etc {root}/tmp {root}/root {root}/var/lib")
    script.append(f"mount --rbind /usr {root}/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            script.append(f"ln -s {os.readlink(f'/{name}')} {root}/{name}")
        elif os.path.isdir(f"/{name}"):
            script.append(f"mkdir {root}/{name} && mount --bind /{name} {root}/{name}")
    script.append(f"mount -t tmpfs -o mode=755 tmpfs {root}/usr/local && mkdir {root}/usr/local/bin")
    programs = {name: binaries() / name for name in ("evergate-controller", "evergate-dataplane", "evergatectl")}
    programs["evergate-entrypoint"] = ROOT / "deploy" / "image" / "entrypoint.sh"
    for name, path in programs.items():
        inside = f"{root}/usr/local/bin/{name}"
        script.append(f"touch {inside} && mount --bind {shlex.quote(str(path))} {inside}")
    script.append(f"ln -s ../run {root}/var/run && mkdir -p {root}/run {root}/etc/ssl")
    script.append(f"mount --bind /etc/ssl {root}/etc/ssl")
    script.append(f"install -d -o 65532 -g 65532 {root}/run/evergate {root}/var/lib/evergate")


def _kernel_mounts(root, script):
    script.append(f"mkdir -p {root}/proc {root}/sys {root}/dev {root}/etc")
    script.append(f"mount --rbind /proc {root}/proc && mount --rbind /sys {root}/sys")
    script.append(f"mount -t tmpfs -o mode=755 tmpfs {root}/dev")
    for device in _DEVICES:
        script.append(f"touch {root}/dev/{device} && mount --bind /dev/{device} {root}/dev/{device}")
    script.append(f"ln -s /proc/self/fd {root}/dev/fd")


def _resolved(image, target):
    """`target` with the image's symbolic links followed inside it: /var/run leads to /run, not to this machine's."""
    path = pathlib.PurePosixPath("/")
    for part in pathlib.PurePosixPath(target).parts[1:]:
        path = path / part
        here = pathlib.Path(image + str(path))
        if here.is_symlink():
            path = pathlib.PurePosixPath(os.path.normpath(path.parent / os.readlink(here)))
    return str(path)


def _mount(root, source, target, read_only, script):
    inside, source = shlex.quote(f"{root}{target}"), shlex.quote(str(source))
    if os.path.isdir(shlex.split(source)[0]):
        script.append(f"mkdir -p {inside}")
    else:
        script.append(f"mkdir -p $(dirname {inside}) && touch {inside}")
    script.append(f"mount --bind {source} {inside}")
    if read_only:
        script.append(f"mount -o remount,bind,ro {inside}")


class Container:
    """mounts: [(folder or file here, path inside, read-only)]; security: a container's securityContext, the pod's
    merged into it; network: the pid of a process in the pod's network, or None."""

    def __init__(self, name, command, scratch, environment=(), mounts=(), security=None, network=None, hosts=()):
        self.name, self.security = name, security or {}
        folder = pathlib.Path(scratch) / f"root-{name}"
        folder.mkdir()
        self.root = folder
        self._hosts = folder.parent / f"hosts-{name}"
        names = (("127.0.0.1", "localhost"), *hosts)
        self._hosts.write_text("".join(f"{address}\t{host}\n" for address, host in names))
        self._mounts = [*mounts, (self._hosts, "/etc/hosts", True)]
        self._network = network
        inside = {"PATH": IMAGE_PATH, "HOME": "/nonexistent", **dict(environment)}
        self.program = Program(name, self._arguments(command, inside), scratch)

    def _script(self):
        root, image = str(self.root), image_root()
        script = ["mount --make-rprivate /"]
        if image:
            script.append(f"mount --rbind {shlex.quote(image)} {root}")
        else:
            _own_root(root, script)
        _kernel_mounts(root, script)
        for source, target, read_only in self._mounts:
            _mount(root, source, _resolved(image, target) if image else target, read_only, script)
        if self.security.get("readOnlyRootFilesystem"):
            script.append(f"mount -o remount,bind,ro {root}")
        return " && ".join(script)

    def _privileges(self):
        security, capabilities = self.security, self.security.get("capabilities", {})
        user, group = security.get("runAsUser", 65532), security.get("runAsGroup", 65532)
        drop, add = capabilities.get("drop", []), [name.lower() for name in capabilities.get("add", [])]
        bounding = "-all" if "ALL" in drop else "+all"
        flags = [f"--reuid={user}", f"--regid={group}", f"--groups={security.get('fsGroup', group)}",
                 "--bounding-set=" + ",".join([bounding] + [f"+{name}" for name in add]), "--inh-caps=-all"]
        if not security.get("allowPrivilegeEscalation", True):
            flags.append("--no-new-privs")
        return flags

    def _arguments(self, command, environment):
        entered = ["nsenter", f"--net=/proc/{self._network}/ns/net"] if self._network else []
        variables = [f"{key}={value}" for key, value in environment.items()]
        inside = ["chroot", str(self.root), "setpriv", *self._privileges(), "--pdeathsig=KILL", "env", "-i", *variables,
                  *command]
        return [*entered, "unshare", "--mount", "sh", "-c", f'{self._script()} && cd / && exec "$@"', "sh", *inside]

    def start(self):
        self.program.start()
        return self

    def kill(self):
        """It, and all it started: what the end of a container's first process does to the others."""
        if self.program.running():
            for pid in procfs.children(self.program.pid)[1:]:
                os.kill(pid, signal.SIGKILL)
        self.program.kill()

    def run(self, within=60):
        """To its end: (status, output)."""
        self.program.start()
        return self.program.wait(within), self.program.text()
