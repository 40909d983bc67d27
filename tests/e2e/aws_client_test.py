#!/usr/bin/env python3
"""The AWS client against moto's EC2, through a door that checks every signature, and throttles, and lies."""

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness import Process, expect, free_port, main, program, say, skip, wait_for, work_dir

REGION = "eu-west-1"
KEY, SECRET, SESSION = "AKIAFLOWLENSTEST", "wJalr/very+secret=", "session+token/=="
INSTANCES = 12
UNKNOWN = "<Response><Errors><Error><Code>{}</Code><Message>" + SECRET + "</Message></Error></Errors></Response>"


def moto():
    """Python with moto and boto3 in it: this one, or that of ./dev test."""
    python = os.environ.get("FLOWLENS_TEST_PYTHON", "")
    if not os.access(Path(python).parent / "moto_server", os.X_OK):
        skip(f"no moto_server beside {python}; ./dev test installs tests/e2e/requirements.txt")
    return Path(python)


class Door:
    """Stands before moto. `troubles` are answered first, one each: (status, body)."""

    def __init__(self, behind):
        self.behind, self.troubles, self.requests, self.wrong = behind, [], [], []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # whoever has heard enough goes
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature_of(url, headers, body):
    """What botocore makes of the request, with the headers that the client has signed."""
    from botocore.auth import SigV4Auth  # pylint: disable=import-outside-toplevel
    from botocore.awsrequest import AWSRequest  # pylint: disable=import-outside-toplevel
    from botocore.credentials import Credentials  # pylint: disable=import-outside-toplevel
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest("POST", url, {name: headers[name] for name in signed}, body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials(KEY, SECRET), "ec2", REGION)
    canonical = auth.canonical_request(request)
    return signed, auth.signature(auth.string_to_sign(request, canonical), request)


def handler_of(door):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = dict(urllib.parse.parse_qsl(body.decode()))
            door.requests.append(form)
            signed, signature = signature_of(door.url, self.headers, body)
            if not self.headers["Authorization"].endswith("Signature=" + signature):
                door.wrong.append(f"signature {self.headers['Authorization']}, should be {signature}")
            if self.headers.get("X-Amz-Security-Token") != SESSION or "x-amz-security-token" not in signed:
                door.wrong.append("the session token is not sent, or not signed")
            if door.troubles:
                status, text = door.troubles.pop(0)
                return self.answer(status, text.encode())
            headers = {n: self.headers[n] for n in ("Authorization", "Content-Type", "X-Amz-Date")}
            with urllib.request.urlopen(urllib.request.Request(door.behind, body, headers), timeout=30) as answer:
                return self.answer(answer.status, answer.read())

        def answer(self, status, text):
            self.send_response(status)
            if status == 302:
                self.send_header("Location", door.behind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            try:
                self.wfile.write(text)
            except OSError:
                pass  # who asked has heard enough

    return Handler


def list_facts(url, lists=1, key=KEY, **options):
    options = {"region": REGION, "endpoint": url, "page_size": 5, **options}
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": SECRET,
                   "AWS_SESSION_TOKEN": SESSION, "HOME": "/nonexistent"}
    done = subprocess.run([program("FLOWLENS_LIST_FACTS"), "aws", json.dumps(options)], input="\n" * lists,
                          capture_output=True, text=True, timeout=60, env=environment, check=False)
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    expect(SECRET not in done.stdout and SESSION not in done.stdout, f"a secret is in {done.stdout}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def make_instances(url):
    """Twelve in two subnets, one with an address of the customer's own. What boto3 says of them is the truth."""
    import boto3  # pylint: disable=import-outside-toplevel
    ec2 = boto3.client("ec2", REGION, endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="y")
    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    for i in range(INSTANCES):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=subnets[i % 2],
                          TagSpecifications=[{"ResourceType": "instance",
                                              "Tags": [{"Key": "Name", "Value": f"web-{i}"},
                                                       {"Key": "cost:center", "Value": "R&D <1>"}]}])
    first = ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(InstanceId=first, AllocationId=elastic["AllocationId"])
    ec2.create_network_interface(SubnetId=subnets[0], Description="nobody's")
    return ec2


def truth_of(ec2):
    """Address → what is to be said of it."""
    truth = {}
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
            says = {"name": tags["Name"], "cloud.provider": "aws", "cloud.region": REGION,
                    "cloud.zone": instance["Placement"]["AvailabilityZone"], "cloud.account": reservation["OwnerId"],
                    "cloud.instance": instance["InstanceId"], "cloud.instance_type": "t3.micro",
                    "cloud.network": instance["VpcId"], "cloud.subnet": instance["SubnetId"],
                    "cloud.tag.cost_center": "R&D <1>"}
            for interface in instance["NetworkInterfaces"]:
                for address in interface["PrivateIpAddresses"]:
                    truth[address["PrivateIpAddress"]] = says
                    if "Association" in address:
                        truth[address["Association"]["PublicIp"]] = says
    return truth


def told(answer):
    said = {}
    for fact in answer["facts"]:
        said.setdefault(fact["address"], {})[fact["attribute"]] = fact["value"]
    return said


def check_facts(door, ec2):
    """All instances by pages, signed, each address its instance's."""
    answer, = list_facts(door.url)
    expect("facts" in answer, f"{answer}")
    said, truth = told(answer), truth_of(ec2)
    expect(len(truth) > INSTANCES, f"{truth}")
    for address, says in truth.items():
        missing = {k: v for k, v in says.items() if said.get(address, {}).get(k) != v}
        expect(not missing, f"{address}: {missing} is not in {said.get(address)}")
    holders = {said[address]["asset"] for address in truth}
    expect(len(holders) == INSTANCES, f"{len(holders)} assets for {INSTANCES} instances")
    expect(all(f["since"].startswith("20") for f in answer["facts"] if f["attribute"] == "asset"), "no since")
    expect(all(f["origin"] == "aws:" + REGION for f in answer["facts"]), "the origin is another")
    pages = [r for r in door.requests if r["Action"] == "DescribeInstances"]
    expect(len(pages) == 3 and "NextToken" in pages[2] and pages[0]["MaxResults"] == "5", f"pages: {pages}")
    expect(not door.wrong, f"{door.wrong[:2]}")


def check_troubles(door):
    """What passes is waited for; what does not is said without secrets; no answer is too odd."""
    door.troubles = [(503, UNKNOWN.format("RequestLimitExceeded")), (400, UNKNOWN.format("Throttling")), (500, "")]
    answer, = list_facts(door.url)
    expect("facts" in answer and answer["counters"]["repeated"] == 3, f"{answer}")
    endless = "<DescribeNetworkInterfacesResponse><networkInterfaceSet/><nextToken>{}</nextToken></DescribeNetworkInterfacesResponse>"
    cases = (
        ([(401, UNKNOWN.format("AuthFailure"))], {}, "DescribeNetworkInterfaces: HTTP 401 AuthFailure"),
        ([(403, UNKNOWN.format("not a code"))], {}, "HTTP 403"),
        ([(503, "<html>")] * 5, {}, "(tried 5 times)"),
        ([(200, "<html>")], {}, "DescribeNetworkInterfaces: octet"),
        ([(302, "")], {}, "HTTP 302"),
        ([(200, endless.format("same"))] * 2, {}, "goes on in circles"),
        ([(200, endless.format(i)) for i in range(3)], {"max_pages": 3}, "more than 3 pages"),
        ([(200, "<a>" + "x" * 100_000 + "</a>")] * 5, {"max_octets": 50_000}, "more than 50000 octets"),
    )
    for troubles, options, why in cases:
        door.troubles = list(troubles)
        answer, = list_facts(door.url, **options)
        expect(why in answer.get("error", ""), f"{why}: {answer.get('error', answer)}")
        expect(answer["error"].startswith(f"aws:{REGION}: "), answer["error"])
    door.troubles = []
    answer, = list_facts(door.url, key="")
    expect("no AWS credentials" in answer.get("error", ""), f"{answer}")


def test_moto():
    """Instances made by boto3 in moto, as facts."""
    python = moto()
    if Path(sys.executable) != python and "FLOWLENS_INSIDE" not in os.environ:
        done = subprocess.run([python, __file__], env={**os.environ, "FLOWLENS_INSIDE": "1"}, timeout=170, check=False)
        expect(done.returncode == 0, f"with {python}: exit {done.returncode}")
        return
    with work_dir("aws") as directory:
        port = free_port()
        server = Process([python.parent / "moto_server", "-H", "127.0.0.1", "-p", port], directory / "moto.log")
        url = f"http://127.0.0.1:{port}/"
        try:
            wait_for("moto", lambda: answers(url), 60)
            ec2 = make_instances(url)
            door = Door(url)
            for check in (check_facts, check_troubles):
                say(check.__doc__)
                check(*((door, ec2) if check is check_facts else (door,)))
            door.close()
        finally:
            server.popen.kill()
            server.popen.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url + "moto-api/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


main(test_moto)
