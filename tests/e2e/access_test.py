#!/usr/bin/env python3
"""Log-in to a real flowlensd: first administrator, tokens, sessions, permissions, audit, lock-out, reset."""

import json
import os
import re
import stat
import urllib.error
import urllib.request

from harness import Daemon, expect, main, program, run, say, wait_for, work_dir


class Client:
    """Asks one daemon, with or without a token."""

    def __init__(self, daemon, token=None):
        self.base, self.token = f"http://127.0.0.1:{daemon.ports['api']}", token

    def ask(self, method, path, body=None, **headers):
        """(status, answer, headers)."""
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(
            self.base + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                text, status, found = reply.read(), reply.status, reply.headers
        except urllib.error.HTTPError as error:
            text, status, found = error.read(), error.code, error.headers
        return status, json.loads(text) if text else None, found

    def status(self, method, path, body=None):
        return self.ask(method, path, body)[0]

    def log_in(self, name, password):
        status, body, _ = self.ask("POST", "/api/v1/auth/login", {"name": name, "password": password})
        expect(status == 200, f"log-in of {name}: {status} {body}")
        return body


def first_password(daemon):
    lines = [json.loads(line) for line in daemon.output().splitlines() if "first administrator" in line]
    return lines[0]["password"] if lines else None


def test_log_in():
    """The first administrator logs in, refreshes, logs out; nobody else gets in."""
    with work_dir("access") as directory, Daemon(directory / "d", auth=True) as daemon:
        daemon.wait_ready()
        password = first_password(daemon)
        expect(password, f"no password was shown:\n{daemon.output()}")
        anyone = Client(daemon)
        for path in ("/health", "/admin/health/live", "/metrics", "/"):
            expect(daemon.get_raw(path)[0] == 200, path)
        status, body, headers = anyone.ask("GET", "/api/v1/assets")
        expect(status == 401 and "login" in body["detail"], body)
        expect(headers["WWW-Authenticate"].startswith("Bearer"), headers)
        expect(anyone.status("POST", "/api/v1/auth/login", {"name": "admin", "password": "wrong"}) == 401, "wrong password")

        tokens = anyone.log_in("admin", password)
        admin = Client(daemon, tokens["access_token"])
        expect(admin.status("GET", "/api/v1/assets") == 200, "assets with the token")
        _, fresh, _ = anyone.ask("POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
        newer = Client(daemon, fresh["access_token"])
        expect(newer.status("GET", "/api/v1/auth/me") == 200, "the new token")
        expect(newer.status("POST", "/api/v1/auth/logout", {}) == 204, "log out")
        for client in (admin, newer):
            expect(client.status("GET", "/api/v1/auth/me") == 401, "a token after log-out")
        expect(anyone.status("POST", "/api/v1/auth/refresh", {"refresh_token": fresh["refresh_token"]}) == 401,
               "a refresh after log-out")

        tokens = anyone.log_in("admin", password)
        _, fresh, _ = anyone.ask("POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
        expect(anyone.status("POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}) == 401, "replay")
        expect(Client(daemon, fresh["access_token"]).status("GET", "/api/v1/auth/me") == 401, "the session after a replay")

        daemon.stop()
        for name in ("auth.sqlite", "auth-key"):
            mode = stat.S_IMODE(os.stat(daemon.data / name).st_mode)
            expect(mode == 0o600, f"{name} has mode {mode:o}")
        secrets = (password, tokens["refresh_token"], tokens["access_token"])
        kept = b"".join(path.read_bytes() for path in daemon.data.iterdir() if path.is_file())
        expect(not any(secret.encode() in kept for secret in secrets), "a secret is kept in the data folder")
        expect(daemon.output().count(password) == 1, "the password was logged more than once")
        expect(not any(secret in daemon.output() for secret in secrets[1:]), "a token was logged")


def test_users_and_audit():
    """Users, API tokens and their permissions; the audit tells of it, also after a restart."""
    with work_dir("users") as directory:
        with Daemon(directory / "d", auth=True) as daemon:
            daemon.wait_ready()
            password = first_password(daemon)
            admin = Client(daemon, Client(daemon).log_in("admin", password)["access_token"])
            status, user, _ = admin.ask("POST", "/api/v1/users", {"name": "ada", "permission": "viewer"})
            expect(status == 201, user)
            ada_in = Client(daemon).log_in("ada", user["password"])
            ada = Client(daemon, ada_in["access_token"])
            expect(ada.status("GET", "/api/v1/assets") == 200, "a viewer reads")
            expect(ada.status("POST", "/api/v1/assets/x/merge", {}) == 403, "a viewer merges")
            expect(ada.status("GET", "/api/v1/users") == 403, "a viewer lists users")
            status, made, _ = ada.ask("POST", "/api/v1/auth/tokens", {"name": "script", "scope": "viewer"})
            expect(status == 201, made)
            expect(Client(daemon, made["token"]).status("GET", "/api/v1/assets") == 200, "the API token")
            daemon.stop()
        with Daemon(directory / "d", auth=True, ports=daemon.ports) as again:
            again.wait_ready()
            expect(again.output().count("first administrator") == 1, "a second first administrator")
            # The key was kept, so log-ins outlive a restart.
            expect(ada.status("GET", "/api/v1/assets") == 200, "the access token after a restart")
            expect(Client(again, made["token"]).status("GET", "/api/v1/assets") == 200, "the API token after a restart")
            expect(admin.status("DELETE", f"/api/v1/users/{user['id']}") == 204, "removal")
            expect(ada.status("GET", "/api/v1/assets") == 401, "the access token of a removed user")
            expect(Client(again, made["token"]).status("GET", "/api/v1/assets") == 401, "the API token of a removed user")
            _, page, _ = admin.ask("GET", "/api/v1/audit")
            told = [(entry["user"], entry["action"], entry["status"]) for entry in page["items"]]
            expect(told == [("admin", "DELETE /api/v1/users/{id}", 204), ("ada", "POST /api/v1/auth/tokens", 201),
                            ("ada", "POST /api/v1/assets/{id}/merge", 403), ("ada", "login", 200),
                            ("admin", "POST /api/v1/users", 201), ("admin", "login", 200)], told)
            expect(page["items"][0]["target"] == user["id"], page["items"][0])


def test_lock_out_and_reset():
    """Guessing ends in waiting; the one who owns the machine gets in by a new password."""
    with work_dir("reset") as directory, Daemon(directory / "d", auth=True) as daemon:
        daemon.wait_ready()
        anyone = Client(daemon)
        old = Client(daemon, anyone.log_in("admin", first_password(daemon))["access_token"])
        wrong = {"name": "admin", "password": "wrong"}
        answers = [anyone.ask("POST", "/api/v1/auth/login", wrong) for _ in range(6)]
        expect([a[0] for a in answers] == [401] * 5 + [429], [a[0] for a in answers])
        expect(0 < int(answers[-1][2]["Retry-After"]) <= 30, answers[-1][2])
        expect(old.status("GET", "/api/v1/auth/me") == 200, "who is in stays in")
        metrics = daemon.get_raw("/metrics")[1].decode()
        expect('flowlens_auth_logins_total{result="refused"} 5' in metrics, "metrics")
        expect('flowlens_auth_locked{by="user"} 1' in metrics, "metrics")

        printed = run([program("FLOWLENSD"), "user", "--reset", "admin", "--data-dir", daemon.data]).stdout
        password = re.search(r"password\s+(\S+)", printed)[1]
        wait_for("the old session to end", lambda: old.status("GET", "/api/v1/auth/me") == 401, 20, 1)
        say("   waiting for the lock-out to end")
        wait_for("the lock-out to end", lambda: anyone.status(
            "POST", "/api/v1/auth/login", {"name": "admin", "password": password}) == 200, 40, 2)
        listed = run([program("FLOWLENSD"), "user", "--list", "--data-dir", daemon.data]).stdout
        expect(listed.startswith("admin  admin  last log-in 20"), listed)
        refused = [[], ["--reset"], ["--reset", "nobody"], ["--list", "--reset", "admin"]]
        for arguments in refused:
            done = os.spawnv(os.P_WAIT, program("FLOWLENSD"),
                             ["flowlensd", "user", *arguments, "--data-dir", str(daemon.data)])
            expect(done == 2, f"user {arguments}: exit {done}")


def test_settings():
    """Settings that would be no protection are refused; without log-in everybody may do everything."""
    with work_dir("auth-settings") as directory:
        def start(**variables):
            with Daemon(directory / "d", auth=True, variables=variables) as daemon:
                return daemon.wait(60), daemon.output()
        for variables, word in (({"AUTH_ALGORITHM": "none"}, "HS256"), ({"AUTH_ALGORITHM": "RS256"}, "HS256"),
                                ({"ENVIRONMENT": "production", "AUTH_SECRET_KEY": "change-me"}, "change-me"),
                                ({"ENVIRONMENT": "production", "JWT_SECRET": "short"}, "JWT_SECRET"),
                                ({"AUTH_SECRET_KEY": "${SECRET}"}, "AUTH_SECRET_KEY"),
                                ({"AUTH_ACCESS_TOKEN_EXPIRE_MINUTES": "0"}, "AUTH_ACCESS_TOKEN_EXPIRE_MINUTES")):
            code, output = start(**variables)
            expect(code == 2 and word in output, f"{variables}: exit {code}\n{output}")
        with Daemon(directory / "open") as daemon:
            daemon.wait_ready()
            me = daemon.get("/api/v1/auth/me")
            expect(me["auth_enabled"] is False and me["permission"] == "admin", me)
            expect("first administrator" not in daemon.output(), daemon.output())
        with Daemon(directory / "closed", auth=True, variables={"FLOWLENS_API_METRICS_OPEN": "false"}) as daemon:
            daemon.wait_ready()
            expect(daemon.get_raw("/metrics")[0] == 401, "closed metrics")


if __name__ == "__main__":
    main(test_log_in, test_users_and_audit, test_lock_out_and_reset, test_settings)
