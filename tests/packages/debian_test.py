#!/usr/bin/env python3
"""The Debian packages: what they hold and say, and what dpkg does with them in a copy of this system (an overlay in a
mount namespace, so nothing of it stays). DEBS names the folder with the packages; needs root."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import expect, main, run, say, skip

SOURCE = Path(__file__).resolve().parents[2]
DEBS = Path(os.environ.get("DEBS", SOURCE / "build/packages/debs"))
VERSION = re.search(r"project\(flowlens VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())[1]


def packages():
    found = {run(["dpkg-deb", "-f", path, "Package"]).stdout.strip(): path for path in sorted(DEBS.glob("*.deb"))}
    expect(set(found) == {"flowlensd", "libflowlens-dev", "libflowlens0", "python3-flowlens"}, f"{DEBS} holds {sorted(found)}; ./dev package makes them")
    return found


def files(path):
    """{path: mode} as `dpkg-deb -c` shows it."""
    rows = (line.split(None, 5) for line in run(["dpkg-deb", "-c", path]).stdout.splitlines())
    return {row[5].removeprefix("."): (row[0], row[1]) for row in rows}


def control(path, field):
    return run(["dpkg-deb", "-f", path, field]).stdout.strip()


def test_what_they_say():
    """Name, version, dependencies by the libraries that are really linked, a description, a maintainer."""
    for name, path in packages().items():
        expect(control(path, "Version") == VERSION, f"{name}: version {control(path, 'Version')}")
        expect(control(path, "Description").count("\n") >= 1, f"{name}: no long description")
        for field in ("Maintainer", "Section", "Priority"):
            expect(control(path, field), f"{name}: no {field}")
    daemon = control(packages()["flowlensd"], "Depends")
    for library in ("adduser", "libc6", "libssl3", "libpcap0.8", "libsqlite3-0", "libpqxx", "libmaxminddb0", "libsystemd0"):
        expect(library in daemon, f"flowlensd depends on {daemon}, not on {library}")
    python = control(packages()["python3-flowlens"], "Depends")
    expect("python3 (>= 3." in python and "python3 (<< 3." in python, f"python3-flowlens depends on {python}")
    expect("-dev" not in daemon, f"flowlensd depends on what only those who build need: {daemon}")


def test_what_they_hold():
    """Files where Debian wants them, of root, nobody else may write them; the copyright; nothing in two packages."""
    seen = {}
    for name, path in packages().items():
        held = files(path)
        for file, (mode, owner) in held.items():
            expect(owner == "root/root", f"{name}: {file} belongs to {owner}")
            expect(mode[0] == "l" or mode[5] == mode[8] == "-", f"{name}: {file} is {mode}")
            expect(file.startswith(("/usr/", "/etc/", "/lib/")) or file in ("/",), f"{name}: {file}")
            expect("/usr/local/" not in file, f"{name}: {file}")
            if not file.endswith("/"):
                expect(file not in seen, f"{file} is in {name} and in {seen.get(file)}")
                seen[file] = name
        expect(f"/usr/share/doc/{name}/copyright" in held, f"{name}: no copyright")
    daemon = files(packages()["flowlensd"])
    expect(daemon["/usr/bin/flowlensd"][0] == "-rwxr-xr-x", "flowlensd cannot be run")
    for unit in ("flowlensd.service", "flowlensd@.service", "flowlensd.service.d/user.conf"):
        expect(f"/lib/systemd/system/{unit}" in daemon, f"no {unit}")
    dev = files(packages()["libflowlens-dev"])
    headers = {Path(file).name for file in dev if file.startswith("/usr/include/flowlens/") and file.endswith(".hpp")}
    want = {path.name for path in (SOURCE / "include/flowlens").glob("*.hpp")} | {"version.hpp"}
    expect(headers == want, f"headers that differ: {sorted(headers ^ want)}")
    for end in ("/libflowlens_core.a", "/pkgconfig/flowlens-core.pc", "/cmake/flowlens/flowlens-config.cmake"):
        expect(any(file.endswith(end) for file in dev), f"libflowlens-dev has no {end}")


def test_settings_are_kept():
    """The file of settings is a conffile: dpkg keeps what people change."""
    done = subprocess.run(["dpkg-deb", "-I", packages()["flowlensd"], "conffiles"], capture_output=True, text=True, check=True)
    expect(done.stdout.split() == ["/etc/flowlens/flowlensd.env"], done.stdout)


DATAGRAM = bytes.fromhex("00050001000027106b0156c40000000000000000000100000a0000010a00000200000000"
                         "000100020000000a000004d2000003e8000007d09c401538001806000000000018180000")


def test_dpkg_installs_runs_upgrades_and_purges():
    """inside.sh, in a copy of this system."""
    if os.geteuid() != 0:
        skip("dpkg wants root")
    with tempfile.TemporaryDirectory() as directory:
        debs = Path(directory)
        for path in packages().values():
            shutil.copy(path, debs)
        (debs / "version").write_text(f"{os.environ.get('FLOWLENSD_VERSION', 'flowlensd ' + VERSION)}\n")
        (debs / "cxxflags").write_text(os.environ.get("CXXFLAGS", ""))
        (debs / "datagram").write_bytes(DATAGRAM)
        for example in ("cpp/decode_datagram.cpp", "c/decode_datagram.c"):
            shutil.copy(SOURCE / "examples" / example, debs)
        done = subprocess.run(["unshare", "--mount", "--net", "bash", "-euc", OVERLAY, "overlay", debs,
                               Path(__file__).with_name("inside.sh")], capture_output=True, text=True, timeout=600)
        expect(done.returncode == 0, done.stdout + done.stderr)
        say(done.stdout)


OVERLAY = """
place=$(mktemp -d)
mount -t tmpfs tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
mount -t proc proc "$place/root/proc"
mount --rbind /dev "$place/root/dev"
mkdir "$place/root/debs"
cp "$1"/* "$place/root/debs"
cp "$2" "$place/root/inside.sh"
status=0
chroot "$place/root" bash /inside.sh || status=$?
umount -l "$place"
rmdir "$place"
exit $status
"""

if __name__ == "__main__":
    main(test_what_they_say, test_what_they_hold, test_settings_are_kept,
         test_dpkg_installs_runs_upgrades_and_purges)
