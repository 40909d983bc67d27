#!/usr/bin/env python3
"""schemathesis asks flowlensd everything that /openapi.json allows, and much that it does not.

On SQLite and on a PostgreSQL of the test's own. FLOWLENS_E2E_EXAMPLES: random cases of each operation.
"""

import collections
import concurrent.futures
import contextlib
import copy
import json
import os
import re
import subprocess
import urllib.parse
import uuid
from pathlib import Path

import postgres

from harness import Daemon, check_ledgers, expect, main, say, simnet, skip, wait_for, work_dir

SCENARIOS = Path(__file__).resolve().parents[2] / "examples/simnet/scenarios"
EXAMPLES = int(os.environ.get("FLOWLENS_E2E_EXAMPLES", "4"))
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection")
# Answers to what is not valid: 413, 415 and 431 come before anybody looks at the rest.
REFUSALS = (400, 401, 403, 404, 405, 409, 412, 413, 415, 426, 429, 431)
# Not asked: it never ends (live_test.py), and it would scan whatever network is drawn.
LEFT_OUT = {("get", "/api/v1/events/stream"), ("post", "/api/v1/discovery/scans")}
# Never answered well here: they take members that fit each other, a log-in, a WebSocket, a scan, a task, or an exporter that was
# heard by network.
HARD = {"splitAsset", "explainExporter", "amendBaseline", "changePassword", "logIn", "refreshTokens", "endOtherSessions", "endSession", "makeToken",
        "endToken", "openWebsocket", "openTopologyWebsocket", "getScan", "cancelScan", "getTask", "cancelTask"}
UNKNOWN = str(uuid.UUID(int=7))
NO_LIMITS = {"FLOWLENS_API_RATE_LIMITING_ENABLED": "false"}


def schemathesis():
    python = os.environ.get("FLOWLENS_TEST_PYTHON", "")
    path = Path(python).parent / "schemathesis"
    if not os.access(path, os.X_OK):
        skip(f"{path} is not there; ./dev test installs tests/e2e/requirements.txt")
    return path


# A map that has something of everything


def prepare(daemon):
    """Windows and baselines beside what the captures brought; ids of everything by kind."""
    for name in ("tonight", "tomorrow"):
        daemon.send("PUT", f"/api/v1/maintenance/{name}",
                    {"environment": "lab", "from": "2026-12-01T20:00:00Z", "until": "2026-12-02T20:00:00Z"})
    for name in ("first", "second", "third"):
        wait_for("a baseline", lambda: answered(daemon, "POST", "/api/v1/baselines", {"name": name}), every=0.5)
    for name in ("anna", "berta"):
        daemon.send("POST", "/api/v1/users", {"name": name, "permission": "viewer"})
    known = {}
    for kind in ("assets", "dependencies", "changes", "alerts", "intermediaries", "applications", "baselines", "users"):
        known[kind] = [item["id"] for item in daemon.get(f"/api/v1/{kind}")["items"]][:6]
        expect(known[kind], f"the map has no {kind}")
    known["rules"] = ["all-that-is-new", "asset-offline"]
    known["maintenance"] = ["tonight", "tomorrow"]
    known["exporters"] = [item["address"] for item in daemon.get("/api/v1/exporters")["items"]]
    return known


def answered(daemon, method, path, body):
    with contextlib.suppress(AssertionError):
        return daemon.send(method, path, body)
    return None


# The description, made stricter, and with what is there to ask for

# Members and query parameters that are ids, but of no asset.
OTHERS = {"application_id": "applications", "ids": "alerts", "against": "baselines", "user_id": "users"}
OTHERS_IN = {("MergeApplications", "from"): "applications"}


def one_of(names, unknown=UNKNOWN):
    return {"type": "string", "enum": [*names, unknown]}


def put_ids_in_paths(document, known):
    for path, item in document["paths"].items():
        parts = path.split("/")[3:]
        for parameter in item.get("parameters", []):
            if parameter.get("name") == "id" and parts[0] in known:
                parameter["schema"] = one_of(known[parts[0]])
                parameter["example"] = known[parts[0]][0]
            elif parameter.get("name") == "name":
                # No enum: `true` is a good name, which schemathesis sends as what is no text.
                names = known["rules" if "rules" in parts else "maintenance"]
                parameter["examples"] = {name: {"value": name} for name in names}
            elif parameter.get("name") == "address":
                parameter["schema"] = one_of(known["exporters"], "192.0.2.77")


def put_ids_in(node, place, name, known):
    """Into all places of a schema where an id stands; `place` is the schema, `name` the member."""
    if isinstance(node, list):
        for item in node:
            put_ids_in(item, place, name, known)
    if not isinstance(node, dict):
        return
    if node.get("$ref") == "#/components/schemas/Id":
        kind = OTHERS_IN.get((place, name)) or OTHERS.get(name, "assets")
        node.clear()
        node.update(one_of(known[kind]))
    for key, value in node.items():
        if key == "properties":
            for member, schema in value.items():
                put_ids_in(schema, place, member, known)
        else:
            put_ids_in(value, place, name, known)


def put_examples(document, known):
    """Of bodies that chance hardly ever gets right."""
    assets, applications = known["assets"], known["applications"]
    examples = {"impact": {"asset_id": assets[0]}, "blastRadius": {"asset_ids": assets[:2]},
                "editMembers": {"add": [assets[0]], "by": "anna"}, "mergeApplications": {"from": applications[1], "by": "anna"}}
    for operation in operations(document).values():
        if operation["operationId"] in examples:
            operation["requestBody"]["content"]["application/json"]["example"] = examples[operation["operationId"]]


def refs(node):
    found = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(node)))
    return found


def schemas_of_requests(document):
    schemas = document["components"]["schemas"]
    left = set()
    for item in document["paths"].values():
        for operation in item.values():
            left |= refs(operation.get("requestBody", {})) if isinstance(operation, dict) else set()
    found = set()
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left |= refs(schemas[name])
    return {name for name in found if "properties" in schemas[name]}


def close(node):
    """What is not described may not be answered either."""
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            node.setdefault("additionalProperties", False)
        for value in node.values():
            close(value)
    elif isinstance(node, list):
        for value in node:
            close(value)


def for_the_test(document, known):
    document = copy.deepcopy(document)
    document.pop("security")  # nobody has to log in
    for method, path in LEFT_OUT:
        document["paths"][path].pop(method, None)
    put_ids_in_paths(document, known)
    put_examples(document, known)
    schemas = document["components"]["schemas"]
    for name in schemas_of_requests(document):
        put_ids_in(schemas[name], name, "", known)
        if schemas[name]["properties"].get("by", {}).get("type") == "string":  # without log-in they must say who
            schemas[name].setdefault("required", []).append("by")
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []) if isinstance(operation, dict) else []:
                if parameter.get("in") == "query":
                    put_ids_in(parameter["schema"], "", parameter["name"], known)
    close(document)
    return document


# Asking


def ask(daemon, directory, methods):
    """One run for the operations of some methods. One thread: schemathesis with more of them fails now and then."""
    command = [schemathesis(), "--config-file", "schemathesis.toml", "run", "openapi.json",
               "--url", f"http://127.0.0.1:{daemon.ports['api']}", *(f"--include-method={method}" for method in methods),
               "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1",
               "--checks", ",".join(CHECKS), "--continue-on-failure", "--no-shrink", "--no-color",
               "--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off",
               "--request-timeout", "30"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCHEMATHESIS")}
    done = subprocess.run([str(part) for part in command], cwd=directory, env=environment, capture_output=True, text=True,
                          timeout=3000)
    with open(directory / "schemathesis.log", "a") as log:
        log.write(done.stdout + done.stderr)
    failures = done.stdout[done.stdout.find("= FAILURES"):]
    expect(done.returncode == 0, f"schemathesis ended with {done.returncode}:\n{failures[:20000]}\n{done.stderr[-2000:]}")
    summary = done.stdout[done.stdout.rfind("= SUMMARY"):]
    return [int(re.search(wanted, summary)[1]) for wanted in (r"Tested: (\d+)", r"(\d+) generated")]


def ask_everything(daemon, document, directory):
    """The number of cases. Several clients at once, as in life."""
    (directory / "openapi.json").write_text(json.dumps(document))
    (directory / "schemathesis.toml").write_text(
        "[checks.negative_data_rejection]\n"
        f"expected-statuses = {json.dumps([str(status) for status in REFUSALS])}\n")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda methods: ask(daemon, directory, methods), (["GET"], ["POST"], ["PUT", "PATCH"])))
    results.append(ask(daemon, directory, ["DELETE"]))  # at last, as it takes away what the others ask for
    tested, cases = (sum(numbers) for numbers in zip(*results))
    expect(tested == len(operations(document)), f"{tested} of {len(operations(document))} operations were tested")
    return cases


def answers(daemon):
    """{(method, route): statuses}, from the daemon's own metrics."""
    found = collections.defaultdict(set)
    text = daemon.get_raw("/metrics")[1].decode()
    for labels in re.findall(r"^flowlens_api_requests_total\{(.*)\} ", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="(.*?)"', labels))
        found[label["method"], label["endpoint"]].add(label["status"])
    return found


def operations(document):
    """{(method, path): operation}."""
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()
            if method != "parameters"}


def check_all_reached(daemon, document):
    """A test that only ever hears 404 and 400 shows little: each operation must have worked, too."""
    heard = answers(daemon)
    missed = [f"{operation['operationId']}: {sorted(heard[method.upper(), path])}"
              for (method, path), operation in operations(document).items() if operation["operationId"] not in HARD
              and not any(status.startswith("2") for status in heard[method.upper(), path])]
    expect(not missed, "never answered well: " + ", ".join(missed))


def failovers(daemon):
    query = urllib.parse.urlencode({"filter": "type = gateway_changed"})
    return daemon.get(f"/api/v1/changes?{query}")["total"]


def check_api(daemon, directory):
    daemon.wait_ready()
    wait_for("the failover in the captures", lambda: failovers(daemon), 120, 0.5)
    daemon.settled(quiet=2)
    document = daemon.get("/openapi.json")
    asked = for_the_test(document, prepare(daemon))
    cases = ask_everything(daemon, asked, directory)
    check_all_reached(daemon, asked)
    check_ledgers(daemon.ledgers())
    expect(daemon.get("/health")["checks"]["store"] == "ok", f"the store: {daemon.get('/health')}")
    daemon.stop()
    expect("a request failed" not in daemon.output(), f"requests failed:\n{daemon.output()[-3000:]}")
    say(f"   {cases} cases")


@contextlib.contextmanager
def started(directory, database=None):
    """A daemon that reads captures with balancers and gateways, and raises alerts of them."""
    schemathesis()
    with Daemon(directory / "daemon", database=database, variables=NO_LIMITS) as daemon:
        daemon.wait_ready()
        daemon.send("PUT", "/api/v1/alerts/rules/all-that-is-new", {"events": ["new_asset", "new_dependency"]})
        daemon.stop()
    captures = []
    for name, *options in (("balancers", "--rate", 20), ("gateways", "--exporters", "v9,ipfix")):
        captures += ["--input", directory / f"{name}.pcap"]
        simnet("--scenario", SCENARIOS / f"{name}.yaml", "--pcap", captures[-1], *options)
    with Daemon(directory / "daemon", *captures, "--serve", database=database, variables=NO_LIMITS) as daemon:
        yield daemon


def test_sqlite():
    """On SQLite: no 5xx, and no answer that is not described."""
    with work_dir("api") as directory, started(directory) as daemon:
        check_api(daemon, directory)


def test_postgres():
    """The same on PostgreSQL."""
    with work_dir("api") as directory, postgres.Server(directory) as server, started(directory, server.url) as daemon:
        check_api(daemon, directory)


if __name__ == "__main__":
    main(test_sqlite, test_postgres)
