#!/usr/bin/env python3
"""The examples in Python run, and what they say is true."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

from command import capture, environment, expect_equal, flowlens
from harness import Process, expect, free_port, main, udp_datagrams, wait_for, work_dir

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"


def example(name, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )
    expect(done.returncode == code, f"{name} {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def test_scripts():
    """Block list, top talkers, new dependencies, Parquet: each against the truth."""
    with work_dir("examples") as directory:
        path, truth = capture(directory, "today", "--duration", 20)
        sent = Counter()
        for (client, server, _, _), row in truth.items():
            sent[client] += row["octets_to_server"]
            sent[server] += row["octets_to_client"]

        found = {
            line.split()[1]: int(line.split()[0].replace(",", "")) for line in example("top_talkers.py", path, "-n", 5)
        }
        expect_equal(found, dict(sent.most_common(5)), "top talkers")

        client, server = next(key[:2] for key in truth if "." in key[1])
        listed = directory / "blocked.txt"
        listed.write_text(f"# bad ones\n192.0.2.0/24\n{server}  # this one talks\n")
        partners = {k[0] for k in truth if k[1] == server} | {k[1] for k in truth if k[0] == server}
        expect_equal(
            {line.split()[0] for line in example("blocklist.py", listed, path)},
            partners,
            "who talked with a blocked address",
        )
        listed.write_text("192.0.2.0/24\n2001:db8:ffff::/48\n")
        expect_equal(example("blocklist.py", listed, path, code=1), [], "nobody did")
        listed.write_text("not an address\n")
        example("blocklist.py", listed, path, code=1)

        before, known = capture(directory, "yesterday", "--duration", 20, "--seed", 2)
        new = set(truth) - set(known)
        lines = example("new_dependencies.py", before, path, "--save", directory / "today.flowlens")
        expect_equal(
            sorted((words[2], words[-1]) for words in map(str.split, lines)),
            sorted(k[:2] for k in new),
            "new dependencies",
        )
        expect_equal(
            example("new_dependencies.py", directory / "today.flowlens", path, code=1),
            [],
            "nothing new since a saved map",
        )

        import pyarrow.parquet

        example("to_parquet.py", path, directory / "flows.parquet")
        table = pyarrow.parquet.read_table(directory / "flows.parquet")
        expect_equal(
            (table.num_rows, sum(table["octet_count"].to_pylist())),
            (sum(r["flows"] for r in truth.values()), sum(sent.values())),
            "Parquet",
        )


def test_service():
    """The service takes real datagrams and answers with the true map; what is wrong is said."""
    with work_dir("examples-service") as directory:
        path, truth = capture(directory, "flows", "--duration", 20, "--start", int(time.time()) - 15)
        collector, port = free_port(), free_port(socket.SOCK_STREAM)
        command = [
            sys.executable,
            "-m",
            "service",
            "--collector-port",
            collector,
            "--api-port",
            port,
            "--flush-seconds",
            "0.5",
        ]
        with Process(command, directory / "service.log", cwd=EXAMPLES, env=environment()) as service:

            def get(path, **query):
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}", timeout=20
                ) as answer:
                    return answer.read().decode()

            def status(path, **query):
                try:
                    get(path, **query)
                except urllib.error.HTTPError as refused:
                    return refused.code
                except OSError:
                    expect(service.is_running(), service.output())
                    return 0
                return 200

            wait_for("the service", lambda: status("/health") == 200)
            flowlens("replay", path, f"127.0.0.1:{collector}", "--rate", 300)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"\x00\x63nothing", ("127.0.0.1", collector))
            datagrams = sum(1 for _ in udp_datagrams(path)) + 1
            wait_for("all datagrams", lambda: json.loads(get("/health"))["datagrams"] == datagrams)
            key = lambda d: (d["client_address"], d["server_address"], d["protocol_name"], d["port"])  # noqa: E731
            all_of = lambda: {key(d) for d in json.loads(get("/dependencies", limit=10_000))}  # noqa: E731
            wait_for("the true dependencies", lambda: set(truth) <= all_of())
            expect_equal(all_of(), set(truth), "dependencies")
            expect_equal(sum(json.loads(get("/health"))["problems"].values()), 1, "malformed datagrams")
            expect_equal(
                {key(d) for d in json.loads(get("/dependencies", filter="port 443", limit=1000))},
                {k for k in truth if k[3] == 443},
                "https",
            )
            expect_equal(status("/dependencies", filter="colour red"), 400, "a filter that is none")
            expect_equal((status("/impact/10.40.0.10"), status("/impact/192.0.2.1")), (200, 404), "impact")
            expect("The map as it is now" in get("/"), "the page")
            code = service.stop()
            expect(code in (0, -15), f"{code}: {service.output()}")  # uvicorn ends in good order, then by the signal


if __name__ == "__main__":
    main(test_scripts, test_service)
