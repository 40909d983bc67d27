#!/usr/bin/env python3
"""Settings: where they come from, what is refused, secrets in files, SIGHUP, and the settings API."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import postgres

from harness import Daemon, Process, environment, expect, main, need, program, say, skip, wait_for, work_dir

ROOT = Path(__file__).resolve().parents[2]
GUIDE = Path(__file__).resolve().parent / "data" / "guide.env"
SECRET = "s3cret-of-the-test"


def flowlensd(*arguments, variables=None, code=0):
    """Runs a command of flowlensd to its end; its standard output and error."""
    done = subprocess.run([program("FLOWLENSD"), *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env=environment() | (variables or {}))
    expect(done.returncode == code, f"{arguments}: {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def settings(*arguments, **options):
    out, _ = flowlensd("config", "--format", "json", *arguments, **options)
    return {item["name"]: item for item in json.loads(out)}


def guide_variables():
    lines = [line for line in GUIDE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def log_lines(daemon, message):
    lines = [json.loads(line) for line in daemon.output().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def test_origins():
    """`flowlensd config` says where each value comes from, and shows no secret in any format."""
    with work_dir("config") as directory:
        file = directory / "flowlensd.yaml"
        file.write_text("ingestion:\n  netflow_port: 1001\n  ipfix_port: 1002\n  sflow_port: 1003\n")
        key = directory / "password"
        key.write_text(SECRET + "\n")
        key.chmod(0o600)
        variables = {"INGESTION_IPFIX_PORT": "2002", "POSTGRES_PASSWORD_FILE": str(key), "POSTGRES_HOST": "db",
                     "DATABASE_URL": f"postgresql://u:{SECRET}@db/x", "FLOWLENS_ALERTS_WEBHOOK_AUTHORIZATION": SECRET}
        arguments = ("--config", file, "--sflow-port", "3003", "--data-dir", directory)
        found = settings(*arguments, variables=variables)
        want = {"ingestion.netflow_port": ("1001", "file", f"{file}:2"),
                "ingestion.ipfix_port": ("2002", "environment", "INGESTION_IPFIX_PORT"),
                "ingestion.sflow_port": ("3003", "command line", "--sflow-port"),
                "postgres.password": ("********", "secret file", str(key)),
                "api.port": ("8000", "default", None)}
        for name, (value, source, where) in want.items():
            item = found[name]
            expect((item["value"], item["source"], item["where"]) == (value, source, where), item)
        for form in ("table", "json", "env", "compose", "markdown"):
            out, error = flowlensd("config", "--format", form, *arguments, variables=variables)
            expect(SECRET not in out + error, f"--format {form} shows a secret")
        flowlensd("config", "--check", *arguments, variables=variables)


def test_refusals():
    """What is wrong is refused with its name, its place and the nearest right one."""
    with work_dir("refused") as directory:
        file, key = directory / "bad.yaml", directory / "key"
        key.write_text("x\n")
        key.chmod(0o644)
        cases = [
            ({"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": str(key)}, "", ["POSTGRES_PASSWORD", "both"]),
            ({"POSTGRES_PASSWORD_FILE": str(directory / "none")}, "", ["POSTGRES_PASSWORD_FILE", "cannot be read"]),
            ({"FLOWLENS_DATA_DIRR": "x"}, "", ["FLOWLENS_DATA_DIR?"]),
            ({"INGESTION_NETFLOW_PORT": "99999"}, "", ["INGESTION_NETFLOW_PORT", "65535"]),
            ({}, "ingestion:\n  netflow_prt: 1\n", ["bad.yaml:2", "netflow_port?"]),
            ({}, "classification:\n  rules_file: /nowhere\n", ["classification.rules_file", "/nowhere"]),
        ]
        for variables, yaml, words in cases:
            file.write_text(yaml)
            _, error = flowlensd("config", "--check", "--config", file, variables=variables, code=2)
            for word in words:
                expect(word in error, f"{variables} {yaml!r}: no `{word}` in {error}")
        _, error = flowlensd("config", "--check", variables={"POSTGRES_PASSWORD_FILE": str(key)})
        expect("everybody" in error and str(key) in error, f"no warning that all can read the secret: {error}")
        _, error = flowlensd("config", "--chek", code=2)
        expect("did you mean --check?" in error, error)


def test_help():
    """Every command explains itself."""
    for command in ("config", "doctor", "migrate", "backup", "restore"):
        out, _ = flowlensd(command, "--help")
        expect(f"flowlensd {command}" in out and "--config" in out, out)
    expect("doctor" in flowlensd("--help")[0], "--help does not name the commands")


def test_settings_page():
    """docs/settings.md is what the table of settings makes."""
    out, _ = flowlensd("config", "--format", "markdown")
    page = ROOT / "docs" / "settings.md"
    expect(page.read_text() == out, f"{page} is old: flowlensd config --format markdown > {page}")


def test_compose():
    """The compose export is sound YAML, has no container_name, and keeps secrets in files."""
    with work_dir("compose") as directory:
        variables = guide_variables()
        variables["POSTGRES_PASSWORD"] = SECRET
        out, _ = flowlensd("config", "--format", "compose", "--data-dir", directory, variables=variables)
        compose = directory / "docker-compose.yml"
        compose.write_text(out)
        try:
            import yaml
        except ImportError:
            skip("python3-yaml is not there")
        tree = yaml.safe_load(out)
        service = tree["services"]["flowlensd"]
        expect("container_name" not in out and "<<" not in out, out)
        expect(SECRET not in out, "the secret is in the export")
        expect(service["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password", out)
        expect(service["environment"]["API_HOST"] == "0.0.0.0", out)
        expect(all(port.startswith("127.0.0.1:") or port.endswith("/udp") for port in service["ports"]), service["ports"])
        expect("4739:4739/udp" in service["ports"] and "127.0.0.1:8000:8000" in service["ports"], service["ports"])
        expect(set(service["secrets"]) <= set(tree["secrets"]), out)
        # What it sets is what flowlensd takes.
        again = {name: value for name, value in service["environment"].items() if not name.endswith("_FILE")}
        flowlensd("config", "--check", variables=again | {"FLOWLENS_DATA_DIR": str(directory)})


def test_guide():
    """The .env of the administration guide starts the daemon as it stands, on the PostgreSQL it names."""
    if os.geteuid() != 0:
        skip("a network of its own needs root")
    unshare = need("unshare")
    with work_dir("guide") as directory:
        # Its own network: the guide's ports are free there. PGHOSTADDR is what Docker's DNS would say.
        process = Process([unshare, "--net", "--", sys.executable, __file__, "--guide", directory],
                          directory / "guide.log", env=dict(os.environ))
        with process:
            code = process.wait(150)
        expect(code == 0, process.output()[-4000:])
        say(process.output().strip().splitlines()[-1])


def run_guide(directory):
    """Within a network of its own."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    variables = guide_variables()
    with postgres.Server(directory, tcp=5432) as server:
        server.sql(f"CREATE ROLE flowlens LOGIN PASSWORD '{variables['POSTGRES_PASSWORD']}'")
        server.sql("CREATE DATABASE flowlens OWNER flowlens")
        command = [program("FLOWLENSD"), "--data-dir", directory / "data"]
        with Process(command, directory / "flowlensd.log",
                     env=environment() | variables | {"PGHOSTADDR": "127.0.0.1"}) as daemon:
            def ready():
                expect(daemon.is_running(), daemon.output())
                try:
                    with urllib.request.urlopen("http://127.0.0.1:8000/admin/health/ready", timeout=5) as reply:
                        return reply.status == 200
                except OSError:
                    return False
            wait_for("the daemon of the guide", ready, 60)
            health = json.loads(urllib.request.urlopen("http://127.0.0.1:8000/health", timeout=5).read())
            expect(health["checks"]["postgresql"] == "ok", health)
            first = json.loads(daemon.output().splitlines()[0])
            expect(set(first) >= {"timestamp", "level", "logger", "message", "caller"}, first)
            expect(variables["POSTGRES_PASSWORD"] not in daemon.output(), "the log shows the password")
            expect(daemon.stop() == 0, daemon.output())
        say(f"   {len(variables)} variables of the guide")


def test_reload():
    """SIGHUP takes over what can change, names what needs a restart, and keeps the old where the new is wrong."""
    with work_dir("reload") as directory:
        config, rules = directory / "flowlensd.yaml", directory / "rules.txt"
        rules.write_text("database | serves database | | 3 | people keep data there\n")
        base = f"log:\n  format: json\nclassification:\n  rules_file: {rules}\n"
        config.write_text(base)
        with Daemon(directory / "daemon", "--config", config) as daemon:
            daemon.wait_ready()

            def reload(message, count):
                daemon.popen.send_signal(signal.SIGHUP)
                return wait_for(message, lambda: len(log_lines(daemon, message)) >= count and log_lines(daemon, message)[-1])

            def level():
                items = daemon.get("/api/v1/admin/config")["items"]
                return next(item for item in items if item["name"] == "log.level")

            config.write_text(f"log:\n  format: json\n  level: DEBUG\ningestion:\n  batch_size: 77\nclassification:\n  rules_file: {rules}\n")
            line = reload("the settings were read again", 1)
            expect("log.level: info -> debug" in line["changed"], line)
            expect(any(word.startswith("classification.rules_file") for word in line["changed"]), line)
            needs = wait_for("the warning", lambda: log_lines(daemon, "these changes need a restart"))[-1]
            expect(needs["changes"] == ["ingestion.batch_size: 1000 -> 77"], needs)
            expect(level()["value"] == "debug" and level()["where"] == f"{config}:3", level())

            rules.write_text("database | serves database | | 3 | people keep data there\ndatabase | nonsense\n")
            refused = reload("the settings stay as they were: something is wrong with the new ones", 1)
            expect("rules.txt:2" in refused["reason"], refused)
            config.write_text("log:\n  level: LOUD\n")
            refused = reload("the settings stay as they were: something is wrong with the new ones", 2)
            expect(f"{config}:2" in refused["reason"] and "LOUD" in refused["reason"], refused)
            expect(level()["value"] == "debug", level())
            listed = daemon.get("/api/v1/classification/rules")
            expect(listed["total"] == 1, f"the broken rules came through: {listed}")

            config.write_text(base)
            rules.write_text("database | serves database | | 3 | people keep data there\nprinter | serves print | | 2 | it prints\n")
            reload("the settings were read again", 2)
            expect(daemon.get("/api/v1/classification/rules")["total"] == 2, "the new rules are not used")
            expect(level()["value"] == "info", level())


def patched(daemon, changes):
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.ports['api']}/api/v1/admin/config", method="PATCH",
                                     data=json.dumps(changes).encode(), headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_settings_api():
    """What the API changes has effect at once, outlasts a restart, and can be taken back; the rest is refused."""
    with work_dir("settings") as directory:
        with Daemon(directory / "daemon") as daemon:
            daemon.wait_ready()
            status, answer = patched(daemon, {"ingestion.backpressure.drop_threshold_queue_depth": 70000, "LOG_LEVEL": "WARNING"})
            expect(status == 200 and len(answer["changed"]) == 2, answer)
            metrics = daemon.get_raw("/metrics")[1].decode()
            expect('flowlens_ingestion_queue_limit{at="drop"} 70000' in metrics, "the threshold has not changed")
            for changes, word in (({"api.port": 1}, "restart"), ({"log.levle": "INFO"}, "did you mean log.level?"),
                                  ({"log.level": "LOUD"}, "LOUD"), ({"log.level": [1]}, "log.level"), ({}, "object"),
                                  ({"ingestion.backpressure.drop_threshold_queue_depth": 40000}, "INGESTION_SAMPLE_THRESHOLD")):
                status, answer = patched(daemon, changes)
                expect(status == 400 and word in answer["detail"], f"{changes}: {status} {answer}")
            kept = json.loads((daemon.data / "settings.json").read_text())
            expect(kept == {"ingestion.backpressure.drop_threshold_queue_depth": "70000", "log.level": "WARNING"}, kept)
            expect((daemon.data / "settings.json").stat().st_mode & 0o077 == 0, "others can read settings.json")
            daemon.stop()
        with Daemon(daemon.directory, ports=daemon.ports) as again:
            again.wait_ready()
            items = {item["name"]: item for item in again.get("/api/v1/admin/config")["items"]}
            expect((items["log.level"]["value"], items["log.level"]["source"]) == ("warning", "api"), items["log.level"])
            status, answer = patched(again, {"log.level": None})
            expect(status == 200 and answer["changed"] == ["log.level: warning -> info"], answer)
            expect(again.get_raw("/api/v1/admin/config/compose")[0] == 200, "no compose export")
            expect(again.get("/api/v1/admin/health")["status"] == "healthy", "no health")
            expect(b"flowlens_build_info" in again.get_raw("/api/v1/admin/metrics")[1], "no metrics")


if __name__ == "__main__":
    if "--guide" in sys.argv:
        run_guide(Path(sys.argv[-1]))
    else:
        main(test_origins, test_refusals, test_help, test_settings_page, test_compose, test_guide, test_reload,
             test_settings_api)
