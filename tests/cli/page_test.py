#!/usr/bin/env python3
"""The page of a map, in a real browser: does a stranger find the answers, and are they the truth?"""

import os
import socket
import struct
from collections import Counter
from pathlib import Path

from command import capture, expect_equal, flowlens, rendered
from harness import expect, main, work_dir

from browser import Browser

HARM = "</script><img src=x onerror='window.harmed=1'><script>window.harmed=2</script>"
MACHINES = "[...document.querySelectorAll('#map .row')]"
ROWS = """[...document.querySelectorAll('#%s tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"""


def size(octets):
    """As a person would write it; our own arithmetic."""
    for unit, divisor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= divisor * 0.9995:
            tenths = int(octets * 10 / divisor + 0.5)
            return f"{tenths / 10} {unit}" if tenths < 1000 else f"{int(octets / divisor + 0.5)} {unit}"
    return f"{octets} B"


def octets(row):
    return row["octets_to_server"] + row["octets_to_client"]


def opened(browser, path, width=1400, height=1000):
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    browser.open(Path(path).as_uri())
    browser.wait("the tables", "document.querySelectorAll('#dependencies tbody tr').length > 0")


def shown_in_full(browser, table):
    browser.wait(
        "all rows",
        f"""(() => {{ const more = document.querySelector('#{table} tbody button:not(.link)');
      if (more) more.click(); return !more; }})()""",
    )
    return browser.run(ROWS % table)


def search(browser, text):
    browser.type("search", text)
    browser.run("document.getElementById('search').dispatchEvent(new Event('input'))")
    browser.wait("the search", "document.getElementById('found').textContent.includes('found')" if text else "true")
    browser.run("new Promise(done => setTimeout(done, 400))")


def test_a_small_network():
    """A capture of a small network: what was read and when, which servers, who uses them, how much; all as in truth."""
    with work_dir("cli-page") as directory, Browser() as browser:
        path, truth = capture(directory, "office", "--clients", 6, "--ipv6", 0, "--duration", 30)
        page = directory / "office.html"
        flowlens("map", path, "--html", page)
        opened(browser, page)

        sentence = browser.run("document.getElementById('sentence').innerText")
        machines = {end for key in truth for end in key[:2]}
        servers, clients = {key[1] for key in truth}, {key[0] for key in truth}
        for part in (
            "office.pcap",
            "2026-01-05",
            "UTC",
            f"{len(machines)} machines",
            f"{len(truth)} dependencies",
            f"{len(clients)} machines use what {len(servers)} machines serve",
            f"{sum(r['flows'] for r in truth.values()):,} flows",
            size(sum(map(octets, truth.values()))),
        ):
            expect(part in sentence, f"'{part}' is not in: {sentence}")
        expect(
            "arrow" in browser.run("document.getElementById('map').getAttribute('aria-label')"),
            "what arrows mean, for who cannot see them",
        )
        expect(
            "from the one who uses to the one who serves" in browser.run("document.querySelector('.legend').innerText"),
            "the legend",
        )

        users, traffic = {}, Counter()
        for (client, server, protocol, port), row in truth.items():
            service = f"{row['service']} {port}/{protocol}"
            users.setdefault((server, service), set()).add(client)
            traffic[server, service] += octets(row)
        found = {(r[0], r[1]): r[2:] for r in shown_in_full(browser, "servers")}
        expect_equal(set(found), set(users), "servers and what they serve")
        for key, (count, names, amount) in found.items():
            expect_equal((int(count), amount), (len(users[key]), size(traffic[key])), f"users and traffic of {key}")
            expect(set(names.split(" and ")[0].split(", ")) <= users[key], f"{key}: {names}")
        wanted = sorted(
            (c, s, f"{row['service']} {port}/{protocol}", size(octets(row)), f"{row['flows']:,}")
            for (c, s, protocol, port), row in truth.items()
        )
        expect_equal(
            sorted(tuple(r[:5]) for r in shown_in_full(browser, "dependencies")), wanted, "the table of dependencies"
        )

        drawn = browser.run(
            "[...document.querySelectorAll('#map .row[data-asset] text:first-of-type')].map(t => t.textContent)"
        )
        expect_equal(Counter(drawn), Counter(machines), "machines drawn")
        arrows = browser.run("document.querySelectorAll('#map .line .head').length")
        expect_equal(arrows, len({key[:2] for key in truth}), "arrows")
        boxes = browser.run("[...document.querySelectorAll('#map .top text:first-of-type')].map(t => t.textContent)")
        expect_equal(set(boxes), {address.rsplit(".", 1)[0] + ".0/24" for address in machines}, "boxes, by network")
        in_column(browser, clients - servers, servers - clients, clients & servers)

        busiest = max(servers, key=lambda s: len({k[0] for k in truth if k[1] == s}))
        browser.run(f"{MACHINES}.find(r => r.textContent.startsWith('{busiest}')).dispatchEvent(new Event('click'))")
        detail = browser.run("document.getElementById('detail').innerText")
        its_users = {k[0] for k in truth if k[1] == busiest}
        expect(f"Serves {len(its_users)} machine" in detail and all(user in detail for user in its_users), detail)

        search(browser, "postgresql")
        few = {k for k, row in truth.items() if row["service"] == "postgresql"}
        expect_equal(
            {tuple(r[:2]) for r in browser.run(ROWS % "dependencies")}, {k[:2] for k in few}, "what a search finds"
        )
        expect_equal(
            browser.run("document.querySelectorAll('#map .line').length"),
            len({k[:2] for k in few}),
            "what a search draws",
        )
        browser.press("clear")
        expect_equal(
            browser.run("document.querySelectorAll('#map .line').length"), arrows, "arrows, after all is shown again"
        )
        expect(not browser.problems, browser.problems)
        asks_nobody(browser)
        if picture := os.environ.get("FLOWLENS_PAGE_PICTURE"):
            browser.run(
                f"{MACHINES}.find(r => r.textContent.startsWith('10.40.0.10')).dispatchEvent(new Event('click'))"
            )
            browser.picture(picture)


# Who uses what in a small office: (clients, server, protocol, port, name of the service).
OFFICE = (
    (range(10, 15), "192.168.1.2", 17, 53, "domain 53/udp"),
    (range(10, 15), "192.168.1.3", 6, 445, "microsoft-ds 445/tcp"),
    (range(10, 13), "192.168.1.4", 6, 631, "ipp 631/tcp"),
    (range(10, 15), "203.0.113.80", 6, 443, "https 443/tcp"),
)


def packet(source, destination, protocol, ports, flags=0, octets=0):
    """An Ethernet frame; checksums are left out, as where the network card fills them in."""
    if protocol == 6:
        transport = struct.pack("!HHIIBBHHH", *ports, 1000, 2000 if flags & 16 else 0, 5 << 4, flags, 65535, 0, 0)
    else:
        transport = struct.pack("!HHHH", *ports, 8 + octets, 0)
    body = transport + bytes(octets)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + ip + socket.inet_aton(source) + socket.inet_aton(destination) + body


def conversation(client, server, protocol, port, own):
    """The packets of one use of a service: a handshake, a request, an answer, an end; or two datagrams."""
    there, back = (client, server, protocol, (own, port)), (server, client, protocol, (port, own))
    if protocol == 17:
        return [packet(*there, octets=40), packet(*back, octets=120)]
    syn, ack, push, fin = 2, 16, 24, 17
    return [
        packet(*there, syn),
        packet(*back, syn | ack),
        packet(*there, ack),
        packet(*there, push, 300),
        *(packet(*back, push, 1400) for _ in range(5)),
        packet(*there, fin),
        packet(*back, fin),
        packet(*there, ack),
    ]


def ordinary_capture(path):
    """Packets as tcpdump writes them on a small network. Returns {(server, service): (users, octets)}."""
    frames, truth = [], {}
    for number in range(12):
        for clients, server, protocol, port, service in OFFICE:
            for host in clients:
                talk = conversation(f"192.168.1.{host}", server, protocol, port, 40000 + number * 20 + host)
                frames += talk
                users, octets_ = truth.get((server, service), (set(), 0))
                truth[server, service] = users | {f"192.168.1.{host}"}, octets_ + sum(len(f) - 14 for f in talk)
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, frame in enumerate(frames):
            file.write(struct.pack("<IIII", 1767603600 + at // 100, at % 100 * 10000, len(frame), len(frame)) + frame)
    return truth


def test_ordinary_packets():
    """A capture of the traffic itself, of a small office: who serves what, to whom, how much; what is outside is said."""
    with work_dir("cli-page-office") as directory, Browser() as browser:
        truth = ordinary_capture(directory / "office.pcap")
        flowlens("map", directory / "office.pcap", "--html", directory / "office.html")
        opened(browser, directory / "office.html")
        found = {(r[0], r[1]): (set(r[3].split(", ")), r[4]) for r in shown_in_full(browser, "servers")}
        expect_equal(
            found, {key: (users, size(octets_)) for key, (users, octets_) in truth.items()}, "servers, users, traffic"
        )
        columns = browser.run("[...document.querySelectorAll('#map .column')].map(t => t.textContent)")
        expect_equal(columns, ["Only use services", "Only serve"], "columns")
        boxes = browser.run(
            """[...document.querySelectorAll('#map .box')].map(box => [box.parentNode.querySelector('.top text')
            .textContent, box.classList.contains('outside')])"""
        )
        expect_equal(sorted(boxes), [["192.168.1.0/24", False], ["192.168.1.0/24", False], ["outside", True]], "boxes")
        sentence = browser.run("document.getElementById('sentence').innerText")
        expect(
            "9 machines 18 dependencies" in sentence and "5 machines use what 4 machines serve" in sentence, sentence
        )
        expect(not browser.problems, browser.problems)


def in_column(browser, only_use, only_serve, both):
    """Who only uses stands left, who only serves right."""
    places = dict(browser.run("""[...document.querySelectorAll('#map .row[data-asset]')].map(row =>
        [row.querySelector('text').textContent, row.getBoundingClientRect().left])"""))
    lefts = [{places[m] for m in group} for group in (only_use, both, only_serve) if group]
    expect(all(len(left) == 1 for left in lefts), lefts)
    expect(sorted(map(min, lefts)) == [min(left) for left in lefts], lefts)


def asks_nobody(browser):
    loaded = browser.run("performance.getEntriesByType('resource').map(e => e.name)")
    expect_equal(loaded, [], "what the page asked for")


def made_map(servers, clients, name=""):
    """A map as the export has it: each client uses two servers."""

    def asset(number, address, name=""):
        return {
            "id": f"{number:032x}",
            "name": name,
            "asset_type": "unknown",
            "is_internal": True,
            "first_seen": "2026-01-05T09:00:00Z",
            "last_seen": "2026-01-05T10:00:00Z",
            "endpoints": [{"site": "default", "address": address, "from": "2026-01-05T09:00:00Z", "until": None}],
        }

    assets = [asset(s, f"10.200.{s // 250}.{s % 250 + 1}", name) for s in range(servers)]
    assets += [asset(servers + c, f"10.{c // 60000}.{c // 250 % 240}.{c % 250 + 1}") for c in range(clients)]
    dependencies = []
    for c in range(clients):
        for port, s in ((443, c % servers), (53, (c * 7 + 1) % servers)):
            d = {
                "id": f"{len(dependencies):032x}",
                "client_asset": assets[servers + c]["id"],
                "server_asset": assets[s]["id"],
                "service": "",
                "protocol": "tcp",
                "port": port,
                "direction": "client_server",
                "rung": "handshake",
                "confidence": 0.99,
                "provisional": False,
                "flows": 2,
                "first_seen": "2026-01-05T09:00:00Z",
                "last_seen": "2026-01-05T10:00:00Z",
            }
            for way in ("server", "client"):
                d[f"octets_to_{way}"] = d[f"estimated_octets_to_{way}"] = 500 + c
            dependencies.append(d)
    return {"assets": assets, "dependencies": dependencies}


def test_a_large_network():
    """Two thousand machines: boxes are closed, open on a press, a search finds one of them; nothing is lost unsaid."""
    with work_dir("cli-page-large") as directory, Browser() as browser:
        map_ = made_map(20, 1980)
        page = directory / "large.html"
        page.write_text(rendered(map_, source="two thousand"), encoding="utf-8")
        opened(browser, page)
        expect("2,000 machines" in browser.run("document.getElementById('sentence').innerText"), "the sentence")
        expect(browser.run("document.querySelectorAll('#map .row').length") <= 120, "rows drawn at first")
        expect(
            "are drawn one by one" in browser.run("document.getElementById('drawn').innerText"),
            "that not all are drawn",
        )
        expect_equal(browser.run("document.getElementById('left-out').innerText"), "", "what is left out")
        before = browser.run("document.querySelectorAll('#map .row[data-asset]').length")
        browser.run("document.querySelector('#map .top[aria-expanded=false]').dispatchEvent(new Event('click'))")
        opened_rows = browser.run("document.querySelectorAll('#map .row[data-asset]').length") - before
        expect(100 < opened_rows <= 150, f"{opened_rows} rows in an open box")
        search(browser, "10.0.3.77")
        expect_equal(len(browser.run(ROWS % "dependencies")), 2, "dependencies of one machine")
        expect_equal(browser.run("document.querySelectorAll('#map .line').length"), 2, "its arrows")

        page.write_text(rendered(map_, limits="dependencies=100"), encoding="utf-8")
        opened(browser, page)
        left_out = browser.run("document.getElementById('left-out').innerText")
        busiest = sorted((d["octets_to_server"] * 2 for d in map_["dependencies"]), reverse=True)
        for part in ("3,860 dependencies", size(sum(busiest[100:]))):
            expect(part in left_out, f"'{part}' is not in: {left_out}")
        expect(
            "3,960 dependencies" in browser.run("document.getElementById('sentence').innerText"),
            "sums include what is left out",
        )
        expect_equal(len(shown_in_full(browser, "dependencies")), 100, "dependencies within the bound")
        expect(not browser.problems, browser.problems)


def test_harm():
    """Names that mean harm are shown as they are and run nothing; the page has a policy that forbids it, too."""
    with work_dir("cli-page-harm") as directory, Browser() as browser:
        map_ = made_map(1, 3, HARM)
        map_["dependencies"][0]["service"] = HARM
        map_["assets"][1]["asset_type"] = "{{data}}" + HARM
        page = directory / "harm.html"
        text = rendered(map_, title=HARM + "{{script}}", source=HARM, version=HARM)
        expect(text.count("<script") == 2 and text.count("</script") == 2 and "<img" not in text, "markup out of names")
        page.write_text(text, encoding="utf-8")
        opened(browser, page)
        browser.run("document.querySelectorAll('#map .row').forEach(row => row.dispatchEvent(new Event('click')))")
        search(browser, HARM[:20].lower())
        expect(browser.run("window.harmed === undefined && document.images.length === 0"), "a name was run")
        expect(HARM in browser.run("document.getElementById('servers').innerText"), "the name, as text")
        expect(HARM in browser.run("document.querySelector('h1').innerText"), "the title, as text")
        browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.harmed=3\">')")
        browser.run("new Promise(done => setTimeout(done, 300))")
        expect(browser.run("window.harmed === undefined"), "the policy lets markup run")


def test_small_and_empty():
    """No dependency is said in a sentence; a page for print and for the dark has everything, too."""
    with work_dir("cli-page-small") as directory, Browser() as browser:
        page = directory / "empty.html"
        page.write_text(rendered({"assets": [], "dependencies": []}, source="nothing"), encoding="utf-8")
        opened(browser, page)
        expect("no traffic between two machines" in browser.run("document.body.innerText"), "an empty map")
        page.write_text(rendered(made_map(2, 3)), encoding="utf-8")
        browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        opened(browser, page)
        dark = browser.run("getComputedStyle(document.body).backgroundColor")
        browser.ask("Emulation.setEmulatedMedia", media="print", features=[])
        expect(dark != browser.run("getComputedStyle(document.body).backgroundColor"), "dark and print look the same")
        expect_equal(
            browser.run("getComputedStyle(document.querySelector('.tools')).display"), "none", "buttons on paper"
        )
        expect(not browser.problems, browser.problems)


if __name__ == "__main__":
    main(test_ordinary_packets, test_a_small_network, test_a_large_network, test_harm, test_small_and_empty)
