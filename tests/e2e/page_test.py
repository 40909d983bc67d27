#!/usr/bin/env python3
"""The page in a real browser: log-in, the map, the table, and names that mean harm."""

import re

from browser import Browser
from harness import Daemon, LiveSimnet, expect, main, wait_for, work_dir

HARM = "<img src=x onerror='window.harmed=1'>"


def password_of(daemon):
    said = wait_for("the first password", lambda: re.search(r'"password":"([^"]+)"|password=(\S+)', daemon.output()))
    return said.group(1) or said.group(2)


def test_log_in():
    """Nothing is shown before the log-in, a wrong password is refused, log-out closes the page again."""
    with work_dir("log-in") as directory, Browser() as browser:
        with Daemon(directory / "daemon", auth=True) as daemon:
            daemon.wait_ready()
            browser.open(f"http://127.0.0.1:{daemon.ports['api']}/")
            browser.wait("the log-in", "document.getElementById('login')?.open")
            browser.type("login-name", "admin")
            browser.type("login-password", "a wrong password")
            browser.press("login-button")
            browser.wait("a refusal", "document.getElementById('login-problem').textContent !== ''")
            expect(browser.run("document.getElementById('login').open"), "let in with a wrong password")
            browser.type("login-password", password_of(daemon))
            browser.press("login-button")
            browser.wait("the page", "!document.getElementById('login').open")
            browser.wait("the name", "document.getElementById('who-name').textContent.includes('admin')")
            browser.wait("the state", "document.getElementById('state').dataset.state === 'waiting'")
            browser.press("log-out")
            browser.wait("the log-in again", "document.getElementById('login').open")
            problems = [p for p in browser.problems if "401" not in p]  # what the log-in is there for
            expect(not problems, problems)
            daemon.stop()


def test_map():
    """What the API has is drawn and listed; the filter of the table works; a name is never markup."""
    with work_dir("map") as directory, Browser() as browser:
        with Daemon(directory / "daemon") as daemon:
            daemon.wait_ready()
            LiveSimnet(daemon, directory, "--duration", "5", "--rate", "100").truth()
            daemon.settled()
            shown = daemon.dependencies()
            victim = daemon.items("/api/v1/assets")[0]
            daemon.send("PATCH", f"/api/v1/assets/{victim['id']}", {"name": HARM})
            browser.open(f"http://127.0.0.1:{daemon.ports['api']}/")
            browser.wait("the map", "document.querySelectorAll('#map g').length > 10")
            count = browser.wait("the count", "+document.getElementById('dependency-count').textContent.replace(/,/g, '')")
            expect(count == len(shown), (count, len(shown)))
            expect(browser.run("document.querySelectorAll('#rows tr:not([hidden])').length") == min(50, count), "rows of the table")
            browser.type("filter", "postgresql")
            wanted = sum(d["service"] == "postgresql" for d in shown.values())
            browser.wait("the filter", f"document.querySelectorAll('#rows tr:not([hidden])').length === {min(50, wanted)}")
            expect(wanted > 0, "the simulated network has a postgresql")
            browser.type("filter", HARM[:4])
            browser.wait("the name, as text", "document.getElementById('rows').innerText.includes('<img src=x')")
            expect(browser.run("window.harmed === undefined"), "a name was run as a script")
            expect(not browser.problems, browser.problems)
            daemon.stop()


if __name__ == "__main__":
    main(test_log_in, test_map)
