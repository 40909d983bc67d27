#!/usr/bin/env python3
"""Runs every command and every code block of README.md and docs/*.md; see pages.py for what a block may say of itself.

    documents_test.py [PAGE...]      all pages, or these

A block is run, compiled, or read by who would read it: a shell, flowlensd, its API, Python, g++, PostgreSQL. One that
cannot run says why in the page, and is counted and listed here."""

import collections
import csv
import io
import json
import re
import subprocess
import sys
import time
import urllib.parse

import pages
import postgres
import scene
from harness import Process, expect, say, work_dir

SECONDS = 180  # for a block, on a busy machine


class Page:
    """What the blocks of one page share: a folder, and the Python of the blocks before."""

    def __init__(self, folder, environment, placeholders, daemon):
        self.folder, self.environment, self.placeholders, self.daemon = folder, environment, placeholders, daemon
        self.python = ""

    def fill(self, text):
        return self.placeholders.fill(text) if self.placeholders else text

    def run(self, command, text="", **more):
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, cwd=self.folder,
                              env=self.environment | more)
        expect(done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout


def run_sh(page, block):
    if "keeps running" in block.markers:
        return run_for_a_while(page, block)
    if block.text.startswith("flowlens ") and not scene.has_python():
        return check_syntax(block)
    page.run(["bash", "-euo", "pipefail", "-s"], page.fill(block.text))


def run_for_a_while(page, block):
    """Each line is a program that stays; it is up while it runs for some seconds, and ends well when asked to."""
    for number, line in enumerate(line for line in block.text.splitlines() if line.strip()):
        log = page.folder / f"log-{block.line}-{number}"
        line = page.fill(line).replace("/var/lib/flowlens", str(page.folder / "var-lib"))  # this machine's is not ours
        own = page.environment | {"FLOWLENS_DATA_DIR": str(page.folder / f"data-{block.line}")}
        with Process(["unshare", "--net", "bash", "-c", f"ip link set lo up && exec {line}"], log, cwd=page.folder, env=own) as process:
            time.sleep(4)
            expect(process.is_running(), f"`{line}` has ended:\n{log.read_text()[-1500:]}")
            expect(process.stop() == 0, f"`{line}` ended badly:\n{log.read_text()[-1500:]}")


def run_console(page, block):
    """The lines after `$ `; what they print here is other than there."""
    commands = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
    expect(commands, "no line begins with `$ `")
    for command in commands:
        page.run(["bash", "-euo", "pipefail", "-s"], page.fill(command) + "\n")


def run_http(page, block):
    """Requests, a line each, with a comment after two blanks and JSON below: known to the API, and asked of it where they
    name nothing that only a reader has."""
    described = page.daemon.get("/openapi.json")["paths"]
    body = ""
    request = None
    for line in [*block.text.splitlines(), "GET /"]:
        match = re.match(r"([A-Z]+(?: \| [A-Z]+)*) +(/.*)", line)
        if not match:
            body += line
            continue
        if request:
            ask(page, *request, body)
        body = ""
        target = re.split(r" {2,}", match[2])[0].strip()
        request = (match[1].split(" | "), target)
        if target != "/":
            check_described(described, *request)


def check_described(described, methods, target):
    path = target.split("?")[0].split(" ")[0]
    found = [name for name in described if re.fullmatch(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(name)), path)]
    expect(found, f"the API knows no {path}")
    known = {method.upper() for name in found for method in described[name]}
    expect(set(methods) <= known, f"the API knows {sorted(known)} of {path}, not {methods}")


STREAMS = ("/ws", "/events/stream")


def ask(page, methods, target, body):
    target = page.fill(target)
    path, _, query = target.partition("?")
    path = path.split(" ")[0]
    if "{" in path or "..." in query or "…" in body or path.endswith(STREAMS) or (methods != ["GET"] and not body):
        return
    if body and methods[0] != "GET":
        page.daemon.send(methods[0], path, json.loads(body))
        return
    parts = [part.partition("=") for part in re.split(r"&(?=\w+=)", query) if part]
    path += "?" + urllib.parse.urlencode([(name, value) for name, _, value in parts])
    status, answer = page.daemon.get_raw(path)
    expect(status == 200, f"GET {path}: {status} {answer[:300]}")


def run_json(page, block):
    json.loads(block.text)


def run_filter(page, block):
    """Each line is a filter of one of the lists."""
    for line in filter(str.strip, block.text.splitlines()):
        query = "?" + urllib.parse.urlencode({"filter": line})
        answers = [page.daemon.get_raw(f"/api/v1/{rows}{query}")[0] for rows in ("dependencies", "assets", "changes", "flows")]
        expect(200 in answers, f"no list takes `{line}`")


def run_yaml(page, block):
    """Settings are checked by flowlensd; anything else is for other programs, and has to be YAML."""
    (page.folder / "block.yaml").write_text(block.text)
    if "apiVersion" in block.text:
        page.run([scene.PYTHON, "-c", "import yaml; list(yaml.safe_load_all(open('block.yaml')))"])
    else:
        page.run(["flowlensd", "config", "--config", "block.yaml", "--data-dir", page.folder / "data"])


def run_csv(page, block):
    rows = list(csv.reader(line for line in io.StringIO(block.text) if not line.startswith("#")))
    expect(len(rows) > 1 and len({len(row) for row in rows}) == 1, "the rows have different numbers of cells")


def run_sql(page, block):
    """On the schema that flowlensd makes in PostgreSQL."""
    with work_dir("sql") as directory:
        server = postgres.Server(directory)
        server.start()
        try:
            page.run(["flowlensd", "migrate", "--data-dir", directory / "data"], DATABASE_URL=server.url)
            server.sql(block.text)
        finally:
            server.kill()


def run_python(page, block):
    """After the blocks before it on the page."""
    page.python += block.text
    if not scene.has_python():
        compile(block.text, block.where, "exec")
        return
    page.run(["python3", "-"], page.python)


def run_cpp(page, block, compiler=("g++", "-std=c++20"), kind="cpp"):
    """Part of an example, which is built and run elsewhere; or a program."""
    examples = (scene.SOURCE / "examples" / kind).glob("*." + kind)
    if any(block.text.strip() in path.read_text() for path in examples):
        return
    expect("main(" in block.text, f"the block is no program, and no part of one in examples/{kind}")
    source = page.folder / f"block.{kind}"
    source.write_text(block.text)
    page.run([*compiler, "-fsyntax-only", "-I", scene.SOURCE / "include", "-I", scene.BUILD / "include", source])


def run_c(page, block):
    run_cpp(page, block, ("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror"), "c")


RUNNERS = {"sh": run_sh, "console": run_console, "http": run_http, "json": run_json, "filter": run_filter, "yaml": run_yaml,
           "csv": run_csv, "sql": run_sql, "python": run_python, "cpp": run_cpp, "c": run_c}


def check_syntax(block):
    """Of what nobody runs: at least it can be read."""
    if block.language == "sh":
        done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
        expect(done.returncode == 0, done.stderr)
    elif block.language == "python":
        compile(block.text, block.where, "exec")
    elif block.language == "json":
        json.loads(block.text)


def read_all(names):
    blocks, problems = [], []
    for path in [scene.SOURCE / "README.md", *sorted((scene.SOURCE / "docs").glob("*.md"))]:
        name = str(path.relative_to(scene.SOURCE))
        if not names or name in names:
            found, wrong = pages.read_blocks(path, name)
            blocks += found
            problems += wrong
    for block in blocks:
        reason = block.markers.get("not run", "")
        if "not run" in block.markers and len(reason or "") < 8:
            problems.append(f"{block.where}: `not run` wants a reason")
        if block.is_run and block.language and block.language not in RUNNERS and "file" not in block.markers:
            problems.append(f"{block.where}: nothing here runs `{block.language}`; say why: <!-- not run: REASON -->")
    return blocks, problems


def run_blocks(blocks, directory, programs, samples, daemon, placeholders):
    problems, folders = [], {}
    for block in blocks:
        if block.page not in folders:
            folder = scene.make_folder(directory / f"{daemon.directory.name}-{len(folders)}", samples, daemon.data)
            folders[block.page] = Page(folder, scene.variables(programs), placeholders, daemon)
        page = folders[block.page]
        began = time.monotonic()
        try:
            RUNNERS[block.language](page, block)
        except (AssertionError, ValueError, SyntaxError, OSError, subprocess.TimeoutExpired) as error:
            problems.append(f"{block.where}: {block.language}: {error}")
        took = time.monotonic() - began
        if took > 5:
            say(f"   {block.where} took {took:.0f} s")
    return problems


def main(names):
    blocks, problems = read_all(names)
    for block in blocks:
        if not block.is_run:
            try:
                check_syntax(block)
            except (AssertionError, ValueError, SyntaxError) as error:
                problems.append(f"{block.where}: {error}")
    chosen = [block for block in blocks if block.is_run and block.language in RUNNERS]
    with work_dir("documents") as directory:
        programs = scene.make_programs(directory / "bin")
        samples = scene.make_samples(directory / "samples")
        for auth in (False, True):
            here = [block for block in chosen if ("log-in" in block.markers) == auth]
            if here:
                with scene.collector(directory / f"collector-{auth}", auth) as (daemon, placeholders):
                    problems += run_blocks(here, directory, programs, samples, daemon, placeholders)
    counts = collections.Counter(block.language for block in chosen)
    say(f"{len(chosen)} blocks run: " + ", ".join(f"{count} {language}" for language, count in sorted(counts.items())))
    for block in blocks:
        if block.markers.get("not run"):
            say(f"not run: {block.where} ({block.language}): {block.markers['not run']}")
    if not scene.has_python():
        say("the Python package is not built: blocks of Python were read, not run")
    print("\n\n".join(problems) or "README and docs hold")
    return 1 if problems else 0


if __name__ == "__main__":
    scene.enter_network()
    sys.exit(main(sys.argv[1:]))
