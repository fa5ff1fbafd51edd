"""The kernel of tools/rdma_vm: a Debian package, downloaded once and unpacked into a cache.

Nothing is installed on the machine. The cache holds, for one version, the kernel as QEMU starts
it and those modules that a machine without disks and displays may want.
"""

import glob
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile

META_PACKAGE = "linux-image-amd64"

# Commands that it takes, with the Debian package of each.
COMMANDS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "depmod": "kmod",
    "modprobe": "kmod",
    "ip": "iproute2",
    "rdma": "iproute2",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
    "setpriv": "util-linux",
}
RXE_PROVIDER = "/usr/lib/x86_64-linux-gnu/libibverbs/librxe-*.so"

# Modules that are unpacked: whole directories, and of drivers/net the virtual devices in it.
_MODULES = re.compile(
    r"^\./(usr/)?lib/modules/[^/]+/("
    r"modules\.(order|builtin.*)|"
    r"kernel/(arch/x86/crypto|crypto|lib|net|drivers/(infiniband|virtio)|"
    r"fs/(9p|configfs|fscache|netfs|overlayfs))/.*|"
    r"kernel/drivers/char/virtio_console\.ko.*|"
    r"kernel/drivers/net/[^/]+\.ko.*)$")

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unavailable(Exception):
    """The virtual machine cannot run here; the text says why and what to do."""


def find_command(name):
    """Its path, also where the user's PATH lacks the directories of system commands."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":" + _SYSTEM_PATH)


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("HAWSER_RDMA_VM_CACHE") or os.path.join(base, "hawser", "rdma_vm")


class Kernel:
    """An unpacked kernel in the cache. Complete, and never changed, once its directory exists."""

    def __init__(self, directory):
        self.directory = directory
        self.image = os.path.join(directory, "kernel")
        self.version = os.path.basename(glob.glob(directory + "/lib/modules/*")[0])
        self.modules = os.path.join(directory, "lib", "modules", self.version)

    def files_to_load(self, *names):
        """Files of these modules and of all that they need, in the order of loading."""
        listing = subprocess.run(
            [find_command("modprobe"), "-d", self.directory, "-S", self.version,
             "--show-depends", "--all", *names],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        files = [line.split()[1] for line in listing.splitlines() if line.startswith("insmod ")]
        return list(dict.fromkeys(files))


def require_commands():
    if platform.machine() != "x86_64":
        raise Unavailable(f"made for x86_64; this machine is {platform.machine()}")
    missing = [name for name in COMMANDS if not find_command(name)]
    if missing:
        packages = " ".join(sorted({COMMANDS[name] for name in missing}))
        raise Unavailable(f"{missing[0]} not found; run: apt-get install "
                          f"--no-install-recommends {packages}")
    if not glob.glob(RXE_PROVIDER):
        raise Unavailable("no verbs provider for soft-RoCE; run: apt-get install "
                          "--no-install-recommends ibverbs-providers")


def cached_kernel():
    """The newest kernel in the cache, or None."""
    found = glob.glob(os.path.join(cache_directory(), "linux-image-*"))
    return Kernel(max(found, key=os.path.getmtime)) if found else None


def find_kernel(say):
    """The kernel in the cache; where there is none, the newest that apt here knows."""
    require_commands()
    kernel = cached_kernel()
    if kernel is None:
        try:
            kernel = _fetch_kernel(say)
        except (OSError, subprocess.CalledProcessError, tarfile.TarError) as failure:
            raise Unavailable(f"its kernel cannot be unpacked: {failure}") from failure
    return kernel


def _fetch_kernel(say):
    package = _package_name()
    directory = os.path.join(cache_directory(), package)
    os.makedirs(cache_directory(), exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new.", dir=cache_directory()) as scratch:
        say(f"downloading {package} (about 70 MB; unpacked, not installed)")
        archive = _download(package, scratch)
        say("unpacking it")
        tree = os.path.join(scratch, "tree")
        _unpack(archive, tree)
        try:
            os.rename(tree, directory)
        except OSError:
            if not os.path.isdir(directory):  # else another process was faster
                raise
    return Kernel(directory)


def _package_name():
    listing = subprocess.run(["apt-cache", "depends", META_PACKAGE], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=False).stdout
    found = re.search(r"^ *Depends: (linux-image-[0-9]\S*)$", listing, re.MULTILINE)
    if not found:
        raise Unavailable(f"apt knows no {META_PACKAGE}; run: apt-get update")
    return found[1]


def _download(package, directory):
    for attempt in (1, 2):
        result = subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package],
            cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        archives = glob.glob(os.path.join(directory, "*.deb"))
        if result.returncode == 0 and archives:
            return archives[0]
        if attempt == 1 and os.geteuid() == 0:  # an older list names files that are gone
            subprocess.run(["apt-get", "-qq", "update"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            package = _package_name()
    last = (result.stdout.strip().splitlines() or ["no message"])[-1]
    raise Unavailable(f"apt-get cannot download {package}: {last}")


def _unpack(archive, tree):
    """Makes what class Kernel describes."""
    os.makedirs(os.path.join(tree, "lib"))
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive],
                          stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode="r|") as files:
            for member in files:
                if not member.isfile():
                    continue
                if re.search(r"/vmlinuz[^/]*$", member.name):
                    image = files.extractfile(member).read()
                elif _MODULES.match(member.name):
                    member.name = re.sub(r"^\./(usr/)?", "", member.name)
                    files.extract(member, tree)
    with open(os.path.join(tree, "kernel"), "wb") as file:
        file.write(_without_loader(image))
    version = os.path.basename(glob.glob(tree + "/lib/modules/*")[0])
    subprocess.run([find_command("depmod"), "-b", tree, version], check=True)


def _without_loader(image):
    """The ELF kernel inside a bzImage, which QEMU starts at once.

    The bzImage would unpack itself, which takes seconds where instructions are emulated. What
    this cannot unpack is left as it is.
    """
    try:
        import lzma
    except ImportError:
        return image
    field = lambda at, size: int.from_bytes(image[at:at + size], "little")  # noqa: E731
    start = (field(0x1f1, 1) + 1) * 512 + field(0x248, 4)
    try:
        kernel = lzma.LZMADecompressor().decompress(image[start:start + field(0x24c, 4)])
    except lzma.LZMAError:
        return image
    return kernel if kernel.startswith(b"\x7fELF") else image
