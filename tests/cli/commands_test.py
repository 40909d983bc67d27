#!/usr/bin/env python3
"""Every command that reads files, on simulated traffic whose truth is known."""

import contextlib
import csv
import errno
import io
import json
import os
import pty
import re
import socket
import subprocess
import sys
import threading
from collections import Counter

from command import capture, environment, expect_equal, flowlens, key_of, lines, python
from harness import expect, main, udp_datagrams, work_dir

COUNTS = ("flows", "octets_to_server", "octets_to_client", "packets_to_server", "packets_to_client")


def directed_octets(truth):
    """Octets that went from one address to another."""
    sent = Counter()
    for (client, server, _, _), row in truth.items():
        sent[f"{client} -> {server}"] += row["octets_to_server"]
        sent[f"{server} -> {client}"] += row["octets_to_client"]
    return +sent  # without those that never sent


def test_map():
    """`map` has exactly the true dependencies and counts, in its table and in every file."""
    with work_dir("cli-map") as directory:
        path, truth = capture(directory, "flows")
        found = {key_of(d): d for d in json.loads(flowlens("map", path, "--json")[0])["dependencies"]}
        expect_equal(set(found), set(truth), "dependencies")
        for key, row in truth.items():
            expect_equal({name: found[key][name] for name in COUNTS}, {name: row[name] for name in COUNTS}, str(key))
        ends = ("json", "graphml", "dot", "mmd", "csv", "flowlens")
        flowlens("map", path, *(f"--out={directory / 'map'}.{end}" for end in ends))
        rows = list(csv.DictReader(io.StringIO((directory / "map.csv").read_text(), newline="")))
        expect_equal(
            Counter(int(r["octets_to_client"]) for r in rows),
            Counter(r["octets_to_client"] for r in truth.values()),
            "csv",
        )
        import networkx

        graph = networkx.read_graphml(directory / "map.graphml")
        expect_equal(graph.number_of_edges(), len(truth), "graphml")
        for end, arrow in (("dot", " -> "), ("mmd", "-->")):
            expect_equal((directory / f"map.{end}").read_text().count(arrow), len(truth), end)
        again = flowlens("map", directory / "map.flowlens", "--json")[0]
        expect_equal(
            json.loads(again), json.loads((directory / "map.json").read_text()), "a map that was saved and loaded"
        )
        table, said = flowlens("map", path)
        expect_equal(len(table.splitlines()), 51, "rows of the table, with its head")
        expect(f"{len(truth) - 50:,} more" in said, said)
        web = {key for key in truth if key[3] == 443}
        few = json.loads(flowlens("map", path, "--filter", "port 443", "--json")[0])["dependencies"]
        expect_equal({key_of(d) for d in few}, web, "the map of port 443")


def test_decode_flows_top():
    """`decode`, `flows` and `top` add up to the truth, flow by flow and element by element."""
    with work_dir("cli-flows") as directory:
        path, truth = capture(directory, "flows", "--duration", 30)
        flows = lines("decode", path)
        sent = Counter()
        for flow in flows:
            sent[f"{flow['source_address']} -> {flow['destination_address']}"] += flow["octet_count"]
        expect_equal(dict(sent), dict(directed_octets(truth)), "octets of decoded flows")
        top = {row["pair"]: row["bytes"] for row in lines("top", path, "--by", "pair", "--limit", 0)}
        expect_equal(top, dict(sent), "top pairs")
        busiest = lines("top", path, "--by", "source", "--limit", 3)
        by_source = Counter()
        for pair, octets in sent.items():
            by_source[pair.split(" -> ")[0]] += octets
        expect_equal(
            [row["bytes"] for row in busiest], sorted(by_source.values(), reverse=True)[:3], "the three that send most"
        )
        expect("share" in flowlens("top", path, "--by", "source")[0].splitlines()[0], "shares of a table")

        sampled, _ = capture(directory, "sampled", "--duration", 10, "--exporters", "sflow")
        flows_ = lines("decode", sampled)
        expect(all(f["sampling_rate"] == 32 for f in flows_), "a sampling rate")
        estimated = sum(32 * f["octet_count"] for f in flows_)
        ranked = lines("top", sampled, "--by", "destination", "--limit", 0)
        expect_equal(sum(row["bytes"] for row in ranked), estimated, "octets with sampling undone")

        https = [f for f in flows if f.get("destination_port") == 443]
        expect_equal(len(lines("flows", path, "--filter", "dst port 443", "--limit", 0)), len(https), "flows to 443")
        largest = lines("flows", path, "--sort", "bytes", "--limit", 5)
        expect_equal(
            [f["octet_count"] for f in largest],
            sorted((f["octet_count"] for f in flows), reverse=True)[:5],
            "largest flows",
        )
        expect_equal(len(flowlens("flows", path, "--limit", 7)[0].splitlines()), 8, "a table of seven flows")

        records = lines("decode", path, "--elements")
        octets = Counter()
        for record in records:
            e = record["elements"]
            source, destination = (
                e.get(f"{end}IPv4Address") or e.get(f"{end}IPv6Address") for end in ("source", "destination")
            )
            if source and "octetDeltaCount" in e:
                octets[f"{source} -> {destination}"] += e["octetDeltaCount"]
        expect_equal(dict(octets), dict(sent), "octetDeltaCount of raw records")
        text = flowlens("decode", path, "--elements", "--limit", 2)[0]
        expect("  sourceIPv4Address " in text and "  octetDeltaCount " in text, text)


def test_explain():
    """`explain` names each exporter, its protocol, and that nothing is wrong; a template that never came is told of."""
    with work_dir("cli-explain") as directory:
        path, _ = capture(directory, "flows", "--duration", 20)
        exporters = {exporter for exporter, _, _ in udp_datagrams(path)}
        said = lines("explain", path)
        expect_equal({e["exporter"] for e in said}, exporters, "exporters")
        text = flowlens("explain", path)[0]
        expect(all(exporter in text for exporter in exporters), text)
        expect(all(p in text for p in ("netflow_v5", "netflow_v9", "ipfix")), text)
        late = directory / "late.pcap"
        without_templates(path, late)
        expect("template" in flowlens("explain", late)[0], "a template that is waited for")


def without_templates(path, to):
    """The same capture without the first datagrams of each exporter, which hold all templates that it needs."""
    data = path.read_bytes()
    kept, at, seen = data[:24], 24, Counter()
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        source = data[at + 16 + 26 : at + 16 + 30]
        seen[source] += 1
        if 1 < seen[source] < 15:
            kept += data[at:end]
        at = end
    to.write_bytes(kept)


def test_diff():
    """`diff` has what the truths have not in common, and its exit code says whether there is something."""
    with work_dir("cli-diff") as directory:
        (one, before), (two, after) = (
            capture(directory, f"day{n}", "--seed", n, "--duration", 20, "--start", 1767603600 + n * 86400)
            for n in (1, 2)
        )
        found = lines("diff", one, two, code=1)
        for change, wanted in (("added", set(after) - set(before)), ("removed", set(before) - set(after))):
            expect(wanted, "seeds that differ")
            expect_equal({key_of(c["dependency"]) for c in found if c["change"] == change}, wanted, change)
        table = flowlens("diff", one, two, code=1)[0]
        expect_equal(
            Counter(line[0] for line in table.splitlines()[1:]),
            Counter("+" if c["change"] == "added" else "-" for c in found),
            "table",
        )
        expect_equal(flowlens("diff", one, one), ("", f"0 new, 0 gone, {len(before):,} in both\n"), "the same twice")


def test_impact_and_spof():
    """Who is hit at the first hop is who uses the server in truth; what serves nobody hits nobody."""
    with work_dir("cli-impact") as directory:
        path, truth = capture(directory, "flows")
        clients = {}
        for client, server, _, _ in truth:
            clients.setdefault(server, set()).add(client)
        checked = 0
        for server in sorted(clients, key=lambda s: -len(clients[s]))[:8]:
            text = flowlens("impact", server, path, "--json", code=(0, 1))[0]
            hit = {row["label"]: row for row in map(json.loads, text.splitlines())}
            first = {name for name, row in hit.items() if row["hops"] == 1}
            expect(first <= clients[server], f"{server}: {first - clients[server]} never used it")
            expect(
                all(row["certainty"] in ("certain", "probable", "possible") and row["reason"] for row in hit.values()),
                hit,
            )
            checked += len(first)
        expect(checked > 5, f"{checked} machines hit")
        nobody = next(c for c in {key[0] for key in truth} if c not in clients)
        expect("nobody" in flowlens("impact", nobody, path, code=1)[1], "a machine that serves nobody")
        expect("is not on the map" in flowlens("impact", "192.0.2.77", path, code=2)[1], "a machine that is not there")
        points, machines = lines("spof", path), {end for key in truth for end in key[:2]}
        for point in points:
            expect(point["clients"] <= len(clients.get(point["label"], ())), point)
            expect(point["label"] in machines and point["remedy"], point)
        expect(points, "a single point of failure")


def test_replay():
    """`replay` sends every datagram as it was, each exporter's from an address of its own."""
    with work_dir("cli-replay") as directory:
        path, _ = capture(directory, "flows", "--duration", 10)
        wanted = Counter(payload for _, _, payload in udp_datagrams(path))
        got, sources, done = Counter(), {}, threading.Event()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(0.5)

            def listen():
                while not done.is_set() or sum(got.values()) < sum(wanted.values()):
                    with contextlib.suppress(TimeoutError):
                        payload, (address, _) = receiver.recvfrom(65535)
                        got[payload] += 1
                        sources.setdefault(payload, address)
                        continue
                    if done.is_set():
                        return

            thread = threading.Thread(target=listen)
            thread.start()
            said = lines("replay", path, f"127.0.0.1:{receiver.getsockname()[1]}", "--rate", 2000)[0]
            done.set()
            thread.join(30)
        expect_equal(dict(got), dict(wanted), "datagrams")
        expect_equal(said["datagrams"], sum(wanted.values()), "datagrams said to be sent")
        exporters = {}
        for exporter, _, payload in udp_datagrams(path):
            exporters.setdefault(exporter, set()).add(sources[payload])
        expect(
            all(len(s) == 1 for s in exporters.values()) and len(set.union(*exporters.values())) == len(exporters),
            exporters,
        )


def test_exit_codes_and_messages():
    """What goes wrong is one line that names what, where and what would be right; codes are those of the help."""
    with work_dir("cli-errors") as directory:
        path, _ = capture(directory, "flows", "--duration", 5)
        nonsense, empty = directory / "nonsense.bin", directory / "empty.pcap"
        nonsense.write_bytes(b"\x00no flows at all\xff" * 50)
        empty.write_bytes(path.read_bytes()[:24])
        cases = (
            (("map", directory / "absent.pcap"), 3, "absent.pcap"),
            (("map", nonsense), 3, "nonsense.bin"),
            (("map", directory), 3, str(directory)),
            (("map", empty), 1, "no dependency"),
            (("flows", empty), 1, "no flow"),
            (("decode", empty), 1, "nothing was decoded"),
            (("explain", empty), 1, "no datagram"),
            (("top", empty), 1, "no flow"),
            (("flows", path, "--filter", "dst port 70000"), 2, "70000"),
            (("map", path, "--filter", "colour = red"), 2, "colour"),
            (("map", path, "--out", directory / "map.xls"), 2, ".graphml"),
            (("map", path, "--out", directory / "absent" / "map.json"), 3, "absent"),
            (("map", path, "--html", directory / "absent" / "map.html"), 3, "absent"),
            (("map",), 2, "FILE"),
            (("map", path, "--colour"), 2, "--colour"),
            (("top", path, "--by", "taste"), 2, "taste"),
            (("nothing",), 2, "nothing"),
            (("replay", path, "127.0.0.1:70000"), 2, "70000"),
            (("replay", path, "no such host"), 2, "no such host"),
            (("diff", path, directory / "absent.pcap"), 3, "absent.pcap"),
            (("api", "--url", "http://127.0.0.1:9", "assets"), 4, "127.0.0.1:9"),
            (("api", "--url", "gopher://x", "assets"), 2, "gopher"),
            (("api", "--url", "http://192.0.2.1", "login", "--name", "x", "--password-stdin"), 2, "https"),
            (("api", "get", "/x", "--param", "y"), 2, "NAME=VALUE"),
        )
        for arguments, code, part in cases:
            output, said = flowlens(*arguments, code=code, stdin="secret\n")
            expect(part in said, f"{arguments}: '{part}' is not in: {said}")
            expect(not output, f"{arguments}: {output}")
            most = 4 if "--filter" in arguments else 1  # a filter is shown, with a mark below what is wrong
            expect(len(said.strip().splitlines()) <= most, f"{arguments}: {said}")
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "flowlens", "map", str(path)]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=60)
        expect_equal((done.returncode, done.stderr), (3, "flowlens: the output: No space left on device\n"), "a full disk")
        for arguments in ((), ("map",), ("api",), ("api", "login"), ("replay",)):
            text = flowlens(*arguments, "--help")[0]
            expect("Usage: flowlens" in text, text)
        expect("141" in flowlens("--help")[0] and "3 a file" in flowlens("--help")[0], "exit codes in the help")


def test_pipes_and_terminals():
    """A reader that goes away is no error; colour and progress are for terminals that want them."""
    with work_dir("cli-terminal") as directory:
        path, _ = capture(directory, "flows", "--duration", 60)
        for command in (("decode", path, "--json"), ("decode", path), ("decode", path, "--elements")):
            process = subprocess.Popen(
                [sys.executable, "-m", "flowlens", *map(str, command)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
            )
            process.stdout.read(200)
            process.stdout.close()
            said = process.stderr.read().decode()
            expect_equal((process.wait(60), said), (141, ""), f"a pipe closed on {command}")
        styled = re.compile(r"\x1b\[[0-9;]*m")
        coloured = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|38|9[0-7])[;m]")
        expect("\x1b" not in flowlens("map", path, env={"TERM": "xterm-256color"})[0], "no escape codes in a pipe")
        shown = on_terminal("top", path, TERM="xterm-256color")
        expect(styled.search(shown), repr(shown[:300]))
        expect("reading flows.pcap" in shown, repr(shown[:300]))
        plain = on_terminal("top", path, TERM="xterm-256color", NO_COLOR="1")
        expect(not coloured.search(plain), repr(plain[:300]))


def on_terminal(*arguments, **variables):
    """What a command shows on a terminal, progress included."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flowlens", *map(str, arguments)],
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
        env=environment(**variables),
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError as end:
        if end.errno != errno.EIO:
            raise
    os.close(ours)
    expect_equal(process.wait(60), 0, f"{arguments}: {shown[-500:]!r}")
    return shown.decode()


def test_hostile_names():
    """What steers a terminal is shown as its number, wherever a name is printed."""
    harm = "evil\x1b]0;title\x07\x9b31m\u202ename"
    asset = {"id": "1", "name": harm, "asset_type": "unknown", "is_internal": True, "endpoints": []}
    d = {
        "id": "2",
        "client_asset": "1",
        "server_asset": "1",
        "client_address": "",
        "server_address": "",
        "service": harm,
        "port": 1,
        "protocol": "tcp",
        "estimated_octets_to_server": 1,
        "estimated_octets_to_client": 1,
    }
    for code in (
        "from flowlens.cli.common import print_table\nprint_table(('a',), [(value['assets'][0]['name'],)])",
        "from flowlens.cli.common import note\nsys.stderr = sys.stdout\nnote(value['assets'][0]['name'])",
        "from flowlens.cli.app import say\nsys.stderr = sys.stdout\nsay(value['assets'][0]['name'])",
        "from flowlens.graph import text_of\nprint(text_of(value))",
    ):
        text = python(code, {"assets": [asset], "dependencies": [d]})
        expect("evil\\x1b]0;title\\x07\\x9b31m\\u202ename" in text, f"{code}: {text!r}")


def test_completion():
    """The shell's completion knows the commands and their options."""
    for words, wanted in (("flowlens m", "map"), ("flowlens map --h", "--html"), ("flowlens api dep", "dependencies")):
        env = {"_FLOWLENS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        expect(wanted in flowlens(env=env)[0].split(), words)


if __name__ == "__main__":
    main(
        test_map,
        test_decode_flows_top,
        test_explain,
        test_diff,
        test_impact_and_spof,
        test_replay,
        test_exit_codes_and_messages,
        test_pipes_and_terminals,
        test_hostile_names,
        test_completion,
    )
