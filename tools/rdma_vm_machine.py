"""One run of the virtual machine of tools/rdma_vm: starts QEMU, passes output on, ends it."""

import ctypes
import mmap
import os
import re
import secrets
import select
import shlex
import socket
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from rdma_vm_kernel import Unavailable, cache_directory, find_command

HERE = os.path.dirname(os.path.realpath(__file__))

# What the guest needs before it has a root directory.
_EARLY_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")

# Beyond this the guest is not slow but dead.
_BOOT_SECONDS_MAX = {"kvm": 20, "tcg": 120}
PORTS_MAX = 8
CPUS_MAX = 64


@dataclass
class Settings:
    """What a machine is like. Directories in `write` are shared, writable, at their own paths."""
    cpus: int = 2
    memory_mb: int = 2048
    ports: int = 2
    timeout_s: float = 300
    accel: str = "auto"
    write: list = field(default_factory=list)


@dataclass
class Outcome:
    """How a run ended. A code of None says that the time was up; boot_s that the guest ran."""
    code: int
    accel: str
    boot_s: float
    total_s: float


class NotStarted(Unavailable):
    """QEMU gave no guest."""


class MachineFailed(Exception):
    """The guest started, and ended before the command did or could not do what it should."""


def run(kernel, settings, command, output, errors, say):
    """Runs the command; what it prints goes to the binary files `output` and `errors`."""
    with tempfile.TemporaryDirectory(prefix="hawser-rdma-vm.") as scratch:
        for accel in _accelerators(settings.accel):
            machine = _Machine(kernel, settings, accel, scratch)
            try:
                return machine.run(command, output, errors)
            except NotStarted as failure:
                if accel == "tcg" or settings.accel != "auto":
                    raise
                _remember_kvm_fails()
                say(f"KVM does not work here ({str(failure).splitlines()[0]}); emulating")
    raise AssertionError("no accelerator")


def _accelerators(wanted):
    if wanted != "auto":
        return [wanted]
    if not os.access("/dev/kvm", os.R_OK | os.W_OK) or _kvm_failed_before():
        return ["tcg"]
    return ["kvm", "tcg"]


def _no_kvm_file():
    return os.path.join(cache_directory(), "no_kvm")


def _boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read()


def _kvm_failed_before():
    try:
        with open(_no_kvm_file(), encoding="ascii") as file:
            return file.read() == _boot_id()
    except OSError:
        return False


def _remember_kvm_fails():
    """So that not every run until the next start of the host pays for the attempt."""
    try:
        with open(_no_kvm_file(), "w", encoding="ascii") as file:
            file.write(_boot_id())
    except OSError:
        pass


def _clock_parameters():
    """What tells the guest how fast its time stamp counter runs.

    Left to find out by itself on a busy host, it may be wrong by several times, and its clock
    then runs that much too fast or slow.
    """
    try:
        code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return ""
    code.write(b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3")  # rdtsc; rax |= rdx << 32; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    read_counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)

    def read_both():
        """The counter and nanoseconds, read as close together as a few tries get them."""
        tries = []
        for _ in range(20):
            before = time.monotonic_ns()
            counter = read_counter()
            after = time.monotonic_ns()
            tries.append((after - before, counter, (before + after) / 2))
        return min(tries)[1:]

    counter, ns = read_both()
    time.sleep(0.05)
    later_counter, later_ns = read_both()
    khz = round((later_counter - counter) * 1e6 / (later_ns - ns))
    return f" tsc=reliable tsc_early_khz={khz}"


def _archive_member(name, mode, content=b""):
    """One file of a cpio archive in the "newc" format, which the kernel unpacks."""
    path = name.encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers) + path
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)


def _write_initrd(path, kernel, job):
    def read(source):
        with open(source, "rb") as file:
            return file.read()

    modules = kernel.files_to_load(*_EARLY_MODULES)
    names = [os.path.basename(module) for module in modules]
    files = {
        "bin/busybox": read(find_command("busybox")),
        "init": read(os.path.join(HERE, "rdma_vm_init.sh")),
        "rdma_vm/guest.sh": read(os.path.join(HERE, "rdma_vm_guest.sh")),
        "rdma_vm/bin/rdma_wire": read(os.path.join(HERE, "rdma_vm_wire")),
        "rdma_vm/job.sh": job.encode("utf-8", "surrogateescape"),
        "modules/order": "".join(name + "\n" for name in names).encode(),
    }
    for module, name in zip(modules, names):
        files["modules/" + name] = read(module)
    with open(path, "wb") as archive:
        for directory in ("bin", "modules", "rdma_vm", "rdma_vm/bin"):
            archive.write(_archive_member(directory, stat.S_IFDIR | 0o755))
        for name, content in files.items():
            archive.write(_archive_member(name, stat.S_IFREG | 0o755, content))
        archive.write(_archive_member("TRAILER!!!", 0))


class _Stream:
    """One of the guest's outputs: passes bytes on until the token, which ends it."""

    def __init__(self, sink, token):
        self._sink = sink
        self._token = token
        self._held = b""
        self.ended = False

    def feed(self, data):
        if self.ended:
            return
        data = self._held + data
        end = data.find(self._token)
        if end >= 0:
            self.ended = True
            keep = 0
            data = data[:end]
        else:  # the last bytes may be the beginning of the token
            keep = next((size for size in range(min(len(self._token) - 1, len(data)), 0, -1)
                         if data.endswith(self._token[:size])), 0)
        self._held = data[len(data) - keep:]
        self._sink.write(data[:len(data) - keep])
        self._sink.flush()


class _Machine:
    """One QEMU process and our ends of its three serial ports: output, errors, control."""

    def __init__(self, kernel, settings, accel, scratch):
        self._kernel = kernel
        self._settings = settings
        self._accel = accel
        self._scratch = scratch
        self._token = "\x01" + secrets.token_hex(16)
        self._console = os.path.join(scratch, "console")
        self._control = b""
        self._trouble = b""
        self._code = None
        self.ready = None

    def run(self, command, output, errors):
        initrd = os.path.join(self._scratch, "initrd")
        _write_initrd(initrd, self._kernel, self._job(command))
        started = time.monotonic()
        token = self._token.encode()
        streams = [_Stream(output, token), _Stream(errors, token)]
        pairs = [socket.socketpair() for _ in range(3)]
        ours = [pair[0] for pair in pairs]
        theirs = [pair[1] for pair in pairs]
        process = subprocess.Popen(
            self._qemu_command(initrd, [end.fileno() for end in theirs]),
            pass_fds=[end.fileno() for end in theirs], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            for end in theirs:
                end.close()
            timed_out = self._watch(process, ours, streams, started)
        finally:
            process.kill()
            process.wait()
            for end in ours + [process.stderr]:
                end.close()
        if self._code is None and not timed_out:
            raise self._why_it_ended()
        return Outcome(None if timed_out else self._code, self._accel, self.ready or 0,
                       time.monotonic() - started)

    def _watch(self, process, ours, streams, started):
        """Until the command has ended and all its output is here, or QEMU has ended: False; or
        until the time is up: True."""
        feed = dict(zip(ours, [streams[0].feed, streams[1].feed, self._on_control]))
        feed[process.stderr] = self._on_trouble
        while feed and not (self._code is not None and all(s.ended for s in streams)):
            passed = time.monotonic() - started
            limit = self._settings.timeout_s
            if self.ready is None:
                limit = min(limit, _BOOT_SECONDS_MAX[self._accel])
            if passed >= limit:
                return limit == self._settings.timeout_s
            for end in select.select(list(feed), [], [], limit - passed)[0]:
                data = os.read(end.fileno(), 65536)
                if data:
                    feed[end](data)
                else:
                    del feed[end]
            if b"KVM internal error" in self._trouble or b"\nbroken " in b"\n" + self._control:
                return False
        return False

    def _on_control(self, data):
        self._control += data
        for line in self._control.decode("ascii", "replace").split("\n")[:-1]:
            word, _, rest = line.partition(" ")
            if word == "ready" and self.ready is None:
                self.ready = float(rest)
            elif word == "exit":
                self._code = int(rest)

    def _on_trouble(self, data):
        self._trouble = (self._trouble + data)[-8000:]

    def _why_it_ended(self):
        """The exception that says it, with the last of what QEMU and the guest's kernel said."""
        kind = NotStarted
        broken = re.search(rb"^broken (.*)$", self._control, re.MULTILINE)
        if broken:
            kind, reason = MachineFailed, broken[1].decode()
        elif self.ready is not None:
            kind, reason = MachineFailed, "the guest ended before the command did"
        elif b"KVM internal error" in self._trouble:
            reason = "KVM internal error"
        else:
            reason = "the guest did not start"
        try:
            with open(self._console, encoding="utf-8", errors="replace") as file:
                console = file.read()[-4000:]
        except OSError:
            console = ""
        return kind("\n".join(part.strip() for part in (
            reason, self._trouble.decode("utf-8", "replace"), console) if part.strip()))

    def _job(self, command):
        """The part of the guest's script that differs from run to run."""
        quote = shlex.quote
        lines = [
            f"ports={self._settings.ports}",
            f"token={quote(self._token)}",
            f"modules={quote(self._kernel.modules)}",
            "shares=(" + " ".join(quote(path) for path in self._settings.write) + ")",
            "run_command() {",
        ]
        lines += [f"export {name}={quote(value)}" for name, value in os.environ.items()
                  if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name != "PATH"
                  and not name.startswith("BASH_")]
        lines += [
            f'export HAWSER_RDMA_VM=1 PATH="$PATH":{quote(os.environ.get("PATH", ""))}',
            f"cd {quote(os.getcwd())} || return 126",
            "exec " + " ".join(quote(word) for word in command),
            "}",
        ]
        return "\n".join(lines) + "\n"

    def _qemu_command(self, initrd, channels):
        settings = self._settings
        command = [
            find_command("setpriv"), "--pdeathsig", "KILL", find_command("qemu-system-x86_64"),
            "-machine", "q35", "-accel", {"kvm": "kvm", "tcg": "tcg,thread=multi"}[self._accel],
            "-cpu", {"kvm": "host", "tcg": "max"}[self._accel],
            "-smp", str(settings.cpus), "-m", str(settings.memory_mb),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", self._kernel.image, "-initrd", initrd, "-append",
            "console=ttyS0 quiet panic=-1 nokaslr mitigations=off" + _clock_parameters(),
            "-chardev", f"file,id=console,path={self._console}", "-serial", "chardev:console",
            "-device", "virtio-serial",
        ]
        for number, channel in enumerate(channels, 1):
            command += ["-chardev", f"socket,id=channel{number},fd={channel}",
                        "-device", f"virtserialport,chardev=channel{number},nr={number}"]
        shares = [("root", "/", ",readonly=on")]
        shares += [(f"share{i}", path, "") for i, path in enumerate(settings.write)]
        for tag, path, more in shares:
            escaped = path.replace(",", ",,")
            command += ["-virtfs", f"local,path={escaped},mount_tag={tag},security_model=none,"
                                   f"multidevs=remap{more}"]
        return command


def check_settings(settings):
    """Raises Unavailable for what QEMU would refuse later and less clearly."""
    for option, value, least, most in (("ports", settings.ports, 1, PORTS_MAX),
                                       ("cpus", settings.cpus, 1, CPUS_MAX),
                                       ("memory-mb", settings.memory_mb, 256, 1 << 20)):
        if not least <= value <= most:
            raise Unavailable(f"--{option} is {value}; it must be {least} to {most}")
    if settings.accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Unavailable("--accel=kvm, and /dev/kvm cannot be opened")
    for path in settings.write:
        if not os.path.isdir(path):
            raise Unavailable(f"--write {path}: no such directory")


