"""Where blocks run: a network of their own in which the ports of the pages are free, a flowlensd that hears a simulated
network, and a folder that looks like a build of the sources."""

import contextlib
import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness import Daemon, Process, environment, expect, program, run, simnet, wait_for

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("FLOWLENS_BUILD", SOURCE / "build/asan-ubsan"))
PORTS = {"api": 8000, "netflow": 2055, "ipfix": 4739, "sflow": 6343}

PYTHON = SOURCE / "build/test-python/bin/python3"


def enter_network():
    """Starts this script again where only it hears the ports."""
    if os.environ.get("DOCUMENTS_NETWORK"):
        run(["ip", "link", "set", "lo", "up"])
        return
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        print("no network namespaces here (unshare --net)")
        sys.exit(77)
    os.environ["DOCUMENTS_NETWORK"] = "yes"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def make_programs(directory):
    """A folder for PATH: the programs by their names, and a curl that fails where the server refuses."""
    directory.mkdir()
    for name, variable in (("flowlensd", "FLOWLENSD"), ("flowlens-simnet", "FLOWLENS_SIMNET")):
        (directory / name).symlink_to(program(variable))
    (directory / "curl").write_text(f'#!/bin/sh\nexec {shutil.which("curl")} --fail-with-body "$@"\n')
    if has_python():
        # The module may have sanitizers in it, whose library has to be there first: of Python alone, not of each shell.
        first = f"""#!/bin/sh\nexport LD_PRELOAD='{os.environ.get("FLOWLENS_TEST_PRELOAD", "")}'\n"""
        # 1 of the command is an answer, too: nothing was found, or there are differences. A traceback is none.
        (directory / "flowlens").write_text(
            first + f'exec 3>&1\nerrors=$({PYTHON} -m flowlens "$@" 2>&1 >&3); status=$?\necho "$errors" >&2\n'
            'case $errors in *Traceback*) exit 9 ;; esac\n[ $status = 1 ] || exit $status\n')
        (directory / "python3").write_text(first + f'exec {PYTHON} "$@"\n')
    for path in directory.iterdir():
        if not path.is_symlink():
            path.chmod(0o755)
    return directory


def has_python():
    return bool(os.environ.get("FLOWLENS_TEST_PACKAGE")) and PYTHON.exists()


def variables(programs):
    """What blocks find in their environment."""
    found = environment() | {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(programs.parent), "JWT_SECRET": "x" * 40}
    if has_python():
        found |= {"PYTHONPATH": os.environ["FLOWLENS_TEST_PACKAGE"], "ASAN_OPTIONS": "detect_leaks=0"}
    return found


def make_folder(directory, samples, data):
    """As a folder of the sources after a build, with the captures that pages name."""
    directory.mkdir()
    for name in ("release", "asan-ubsan"):  # the programs of the build, and nothing that could configure it anew
        (directory / "build" / name).mkdir(parents=True)
        for part in ("examples", "tests"):
            (directory / "build" / name / part).symlink_to(BUILD / part)
    for name in ("deploy", "examples", "include", "tests", "cmake", "src", "CMakeLists.txt", "CMakePresets.json"):
        (directory / name).symlink_to(SOURCE / name)
    (directory / "flowlens-data").symlink_to(data)
    shutil.copytree(samples, directory, dirs_exist_ok=True)
    return directory


def make_samples(directory):
    """Captures and flow logs by the names that pages use."""
    directory.mkdir()
    simnet("--pcap", directory / "exporters.pcap", "--truth", directory / "truth.csv", "--duration", 20, "--rate", 50)
    for name in ("export", "office", "any", "today", "yesterday", "day1", "day2", "capture"):
        shutil.copy(directory / "exporters.pcap", directory / f"{name}.pcap")
    (directory / "conn.log").write_text(
        '{"ts":1795000000.0,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":40000,"id.resp_h":"10.0.0.2","id.resp_p":5432,'
        '"proto":"tcp","duration":1.5,"orig_bytes":100,"resp_bytes":200,"conn_state":"SF","orig_pkts":4,"orig_ip_bytes":300,'
        '"resp_pkts":3,"resp_ip_bytes":400}\n')
    with gzip.open(directory / "vpc-1.log.gz", "wt") as log:
        log.write("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
                  "log-status\n2 123456789012 eni-1 10.0.0.1 10.0.0.2 40001 443 6 10 5000 1795000000 1795000010 ACCEPT OK\n")
    for folder in ("2026-11-22", "spool/flows", "spool/zeek"):
        (directory / folder).mkdir(parents=True)
    shutil.copy(directory / "vpc-1.log.gz", directory / "2026-11-22/vpc.log.gz")
    (directory / "flowlensd.yaml").write_text("ingestion: {netflow_port: 9995}\n")
    (directory / "assets.csv").write_text("address,name\n10.0.0.77,web1\n")
    return directory


@contextlib.contextmanager
def collector(directory, auth):
    """A flowlensd on the ports that pages name, which has heard the simulated network."""
    with Daemon(directory, ports=PORTS, auth=auth) as daemon:
        daemon.wait_ready()
        with Process([program("FLOWLENS_SIMNET"), "--send", "127.0.0.1", "--rate", "200", "--duration", "8", "--truth",
                      directory / "truth.csv"], directory / "simnet.log") as simulated:
            if auth:
                simulated.wait()
                yield daemon, FirstPassword(daemon)
            else:
                wait_for("dependencies", lambda: daemon.get("/api/v1/dependencies")["total"] > 20)
                yield daemon, Placeholders(daemon)
        daemon.stop()


class Placeholders:
    """Words of the pages that a reader replaces, by what they are here."""

    def __init__(self, daemon):
        self.asset = daemon.get("/api/v1/assets")["items"][0]["id"]
        self.dependency = daemon.get("/api/v1/dependencies")["items"][0]["id"]
        self.exporter = daemon.get("/api/v1/exporters")["items"][0]["address"]

    def fill(self, text):
        for pattern, value in ((r"assets/(ID\b|\{id\})", f"assets/{self.asset}"),
                               (r"dependencies/(ID\b|\{id\})", f"dependencies/{self.dependency}"),
                               (r"exporters/192\.0\.2\.1", f"exporters/{self.exporter}"),
                               (r"\bCOLLECTOR\b", "127.0.0.1")):
            text = re.sub(pattern, value, text)
        return text


class FirstPassword:
    """The password that the first start has drawn, where blocks log in."""

    def __init__(self, daemon):
        found = re.search(r'"password":"([^"]+)"', daemon.output())
        expect(found, "the first start shows no password:\n" + daemon.output()[:2000])
        self.password = found[1]
        self.exporter = "127.0.0.11"  # simnet's first

    def fill(self, text):
        text = text.replace("exporters/192.0.2.1", f"exporters/{self.exporter}")
        return re.sub(r"(?<=\"password\":\")(PASSWORD|…)", self.password, text)
