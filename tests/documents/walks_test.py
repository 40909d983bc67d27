#!/usr/bin/env python3
"""The walks of the four kinds of users, from the pages' own blocks (`<!-- walk: NAME -->`), each on a clean copy of the
sources, with the packages of `./dev setup` installed: run the daemon, link the library, vendor it, import it.

    walks_test.py [--cold] [WALK...]  link, vendor, daemon in a network of their own; python, which asks PyPI, alone

Each has to be through within ten minutes; WALK_SECONDS says otherwise where a machine is busy. Compilers are asked by
ccache, of whose objects one walk leaves some to the next, the longest last; --cold compiles all anew, as a stranger's
machine does."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import pages
import scene
from harness import Process, environment, expect, run, say, simnet, wait_for

SECONDS = int(os.environ.get("WALK_SECONDS", "600"))
WALKS = ("link", "vendor", "daemon")
COLD = "--cold" in sys.argv
CCACHE = os.environ.get("CCACHE_DIR", os.path.expanduser("~/.cache/ccache"))


def clean_copy(place):
    """What git knows of, as it stands here."""
    names = run(["git", "-C", scene.SOURCE, "ls-files", "-z"]).stdout.split("\0")
    for name in filter(None, names):
        if (scene.SOURCE / name).is_file():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(scene.SOURCE / name, target)
    return place


def blocks_of(walk):
    """The steps of a walk in the order of its page, and the files of that page."""
    for path in sorted((scene.SOURCE / "docs").glob("*.md")):
        blocks, _ = pages.read_blocks(path, str(path.relative_to(scene.SOURCE)))
        steps = [block for block in blocks if block.markers.get("walk", "").split(",")[0] == walk]
        if steps:
            if walk == "python":  # its page is one notebook
                steps += [block for block in blocks if block.language == "python" and block.is_run]
            return steps, [block for block in blocks if "file" in block.markers]
    raise AssertionError(f"no page has a block `<!-- walk: {walk} -->`")


def compilers(place):
    if COLD:
        return {"CCACHE_DISABLE": "1"}
    return {"CXX": "g++", "CCACHE_DIR": CCACHE, "CCACHE_BASEDIR": str(place), "CCACHE_NOHASHDIR": "1",
            "CCACHE_SLOPPINESS": "pch_defines,time_macros", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}


def has_map():
    """Whether the demo lists more dependencies than a page of them."""
    with contextlib.suppress(OSError), urllib.request.urlopen("http://127.0.0.1:8000/api/v1/dependencies", timeout=10) as answer:
        return json.load(answer)["total"] > 20
    return False


class Walk:
    def __init__(self, name, place):
        self.name, self.place = name, place
        self.sources = clean_copy(place / "sources")
        self.folder = place / "folder"
        self.folder.mkdir()
        self.began = time.monotonic()
        self.stays = []
        self.python = ""
        self.variables = environment() | compilers(place) | {"HOME": str(place), "SOURCES": str(self.sources)}

    def left(self):
        return SECONDS - (time.monotonic() - self.began)

    def step(self, block):
        options = [word.strip() for word in block.markers.get("walk", "").split(",")[1:]]
        say(f"   {block.where}")
        if "background" in options:
            log = self.place / "background.log"
            process = Process(["bash", "-c", block.text], log, cwd=self.sources, env=self.variables, start_new_session=True)
            self.stays.append(process)
            wait_for("the demo", lambda: "The demo runs" in log.read_text() or not process.is_running(), self.left(), 1)
            expect(process.is_running(), log.read_text()[-3000:])
            wait_for("a map of the demo", lambda: has_map() or not process.is_running(), self.left())
            return
        folder = self.sources if "from the sources" in options or self.name == "daemon" else self.folder
        command, text = ["bash", "-euo", "pipefail", "-s"], block.text.replace("curl ", "curl --fail-with-body ")
        if block.language == "python":
            self.python += block.text
            command, text = [self.place / "venv/bin/python3", "-"], self.python
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, env=self.variables,
                              timeout=max(self.left(), 1))
        expect(done.returncode == 0, f"{block.where}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
        say("".join(f"      {line[:150]}\n" for line in done.stdout.splitlines()[-5:]).rstrip())

    def end(self):
        for process in filter(Process.is_running, self.stays):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def walk(name):
    steps, files = blocks_of(name)
    place = scene.SOURCE / "build/walks" / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    this = Walk(name, place)
    if name == "python":
        simnet("--pcap", this.folder / "office.pcap", "--truth", place / "truth.csv", "--duration", 20)
    for block in files:
        (this.folder / block.markers["file"]).write_text(block.text)
    try:
        for block in steps:
            this.step(block)
    finally:
        this.end()
    took = time.monotonic() - this.began
    say(f"   {name}: {took:.0f} s")
    expect(took < SECONDS, f"{name} took {took:.0f} s")
    shutil.rmtree(place)


def main(names):
    failed = []
    for name in names or WALKS:
        say(f"== {name}")
        try:
            walk(name)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            say(f"FAILED: {error}")
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all walks are through")
    return 1 if failed else 0


if __name__ == "__main__":
    wanted = [name for name in sys.argv[1:] if name != "--cold"]
    if wanted != ["python"]:
        scene.enter_network()
    sys.exit(main(wanted))
