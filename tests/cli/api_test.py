#!/usr/bin/env python3
"""`flowlens api` against a running flowlensd that asks who is there."""

import json
import re
import stat

from command import capture, expect_equal, flowlens
from harness import Daemon, expect, main, wait_for, work_dir


def test_api():
    """Nothing without log-in; with it the true map; the token is its owner's alone, and is ended at the end."""
    with work_dir("cli-api") as directory:
        path, truth = capture(directory, "flows", "--duration", 30)
        with Daemon(directory / "daemon", "--input", path, "--serve", auth=True) as daemon:
            daemon.wait_ready()
            said = wait_for(
                "the first password", lambda: re.search(r'"password":"([^"]+)"|password=(\S+)', daemon.output())
            )
            password = (said.group(1) or said.group(2)) + "\n"
            url = f"http://127.0.0.1:{daemon.ports['api']}"
            env = {"FLOWLENS_URL": url, "XDG_CONFIG_HOME": str(directory / "config"), "HOME": str(directory)}

            def api(*arguments, **options):
                return flowlens("api", *arguments, env=env, **options)

            expect("401" in api("assets", code=4)[1], "asked without log-in")
            expect(
                "401" in api("login", "--name", "admin", "--password-stdin", stdin="a wrong password\n", code=4)[1],
                "a wrong password",
            )
            api("login", "--name", "admin", "--password-stdin", "--days", "2", stdin=password)
            kept = directory / "config" / "flowlens" / "tokens.json"
            expect_equal(stat.S_IMODE(kept.stat().st_mode), 0o600, "who may read the token")
            expect(password.strip() not in kept.read_text(), "the password is kept")

            def dependencies(*more):
                return [
                    json.loads(line)
                    for line in api("dependencies", "--json", "-n", "0", *more, code=(0, 1))[0].splitlines()
                ]

            wait_for("the map", lambda: len(dependencies()) >= len(truth), every=0.5)
            rows = dependencies()
            key = lambda d: (d["client"]["address"], d["server"]["address"], d["protocol"], d["port"])  # noqa: E731
            expect_equal({key(d) for d in rows}, set(truth), "dependencies")
            expect_equal(
                {key(d) for d in dependencies("--filter", "port 443")},
                {k for k in truth if k[3] == 443},
                "those of port 443",
            )
            expect_equal(api("dependencies", "--filter", "port 1", code=1), ("", "nothing found\n"), "nothing")
            expect("column" in api("dependencies", "--filter", "colour red", code=4)[1], "a filter that is none")
            table = api("dependencies", "-n", "5")[0].splitlines()
            expect_equal(len(table), 6, "rows of a table")
            machines = {end for k in truth for end in k[:2]}
            expect_equal(
                {json.loads(line)["label"] for line in api("assets", "--json", "-n", "0")[0].splitlines()},
                machines,
                "machines",
            )
            expect(json.loads(api("get", "/api/v1/analysis/spof")[0])["items"] is not None, "an analysis")
            expect(
                "page_size" in api("get", "/api/v1/assets", "-p", "page_size=0", code=4)[1],
                "what the server says is wrong",
            )
            asset = json.loads(api("assets", "--json", "-n", "1")[0])
            expect(
                "403" in api("send", "PATCH", f"/api/v1/assets/{asset['id']}", '{"name":"db"}', code=4)[1],
                "a viewer changes a name",
            )
            api("page", directory / "map.html")
            expect((directory / "map.html").read_text().startswith("<!doctype html>"), "a page")

            expect("may use it" in api("logout")[1], "a log-out")
            api("assets", code=4)
            api("login", "--name", "admin", "--password-stdin", "--scope", "admin", stdin=password)
            token = json.loads(kept.read_text())[url]["token"]
            changed = json.loads(api("send", "PATCH", f"/api/v1/assets/{asset['id']}", '{"name":"db"}')[0])
            expect_equal(changed["name"], "db", "the name")
            api("logout", "--revoke", "admin", "--password-stdin", stdin=password)
            expect(
                "401" in flowlens("api", "assets", code=4, env=env | {"FLOWLENS_TOKEN": token})[1],
                "a token that was ended",
            )
            api("logout", code=1)
            daemon.stop()


if __name__ == "__main__":
    main(test_api)
