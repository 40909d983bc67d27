"""Runs the command `flowlens` as a user does, and knows what the simulated network's truth says of its answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from harness import expect, read_truth, simnet, skip  # noqa: E402


def environment(**more):
    """Without what a user's own shell may have set; with the package under test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FLOWLENS") and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")
    }
    package = os.environ.get("FLOWLENS_TEST_PACKAGE") or skip(
        "FLOWLENS_TEST_PACKAGE does not name the folder of the package"
    )
    ours = {
        "PYTHONPATH": package,
        "LD_PRELOAD": os.environ.get("FLOWLENS_TEST_PRELOAD", ""),
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    return kept | ours | more


def flowlens(*arguments, code=0, stdin=None, env=None, folder=None):
    """(standard output, standard error) of one command that ends with `code`, or one of several."""
    done = subprocess.run(
        [sys.executable, "-m", "flowlens", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=stdin,
        env=environment(**(env or {})),
        timeout=120,
        cwd=folder,
    )
    shown = f"flowlens {' '.join(map(str, arguments))}\nexit {done.returncode}, wanted {code}\n"
    shown += f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    expect(done.returncode in (code if isinstance(code, tuple) else (code,)), shown)
    expect("Traceback" not in done.stderr, shown)
    return done.stdout, done.stderr


def python(code, value=None):
    """What Python code prints that has the package, and `value` as a variable."""
    program = f"import json, sys\nvalue = json.loads(sys.stdin.read())\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        input=json.dumps(value),
        env=environment(),
        timeout=120,
    )
    expect(done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}")
    return done.stdout


def rendered(map_, limits="", **options):
    """The page of a map, made by the package under test."""
    return python(
        f"from flowlens.page import PageLimits, render\nvalue['limits'] = PageLimits({limits})\n"
        "sys.stdout.write(render(value.pop('map'), **value))",
        {"map": map_} | options,
    )


def lines(*arguments, **options):
    """What a command prints with --json, line by line."""
    return [json.loads(line) for line in flowlens(*arguments, "--json", **options)[0].splitlines()]


def capture(directory, name, *arguments):
    """(path, truth) of a simulated hour's worth of traffic: unsampled exporters, no vain attempts."""
    path, truth = directory / f"{name}.pcap", directory / f"{name}.csv"
    simnet(
        "--pcap", path, "--truth", truth, "--exporters", "v5,v9,ipfix", "--attempt-share", 0, "--rate", 40, *arguments
    )
    return path, {key: row for key, row in read_truth(truth).items() if row["flows"] > 0}


def key_of(d):
    return d["client_address"], d["server_address"], d["protocol"], d["port"]


def expect_equal(found, wanted, what):
    if found == wanted:
        return
    if isinstance(found, (dict, set)) and isinstance(wanted, (dict, set)):
        only = [sorted(map(str, set(a) - set(b)))[:5] for a, b in ((found, wanted), (wanted, found))]
        differ = [
            f"{k}: {found[k]}, true {wanted[k]}"
            for k in found
            if isinstance(found, dict) and k in wanted and found[k] != wanted[k]
        ]
        raise AssertionError(f"{what}: only found {only[0]}, only true {only[1]}, differ {differ[:5]}")
    if isinstance(found, list) and isinstance(wanted, list):
        found, wanted = [e for e in found if e not in wanted][:5], [e for e in wanted if e not in found][:5]
    raise AssertionError(f"{what}: {found}, true {wanted}")
