#!/usr/bin/env python3
"""The Kubernetes client against an API server that is played here, and plays up."""

import contextlib
import json
import queue
import subprocess
import threading
import time

from certificates import make_certificates
from fake_kubernetes import ApiServer
from harness import expect, main, program, say, wait_for, work_dir

TOKEN = "eyJhbGciOi.very.secret"


class Client:
    """flowlens-list-facts: asks it for its list, and notes when it says that something has changed."""

    def __init__(self, **options):
        self.changes, self.answers = 0, queue.Queue()
        self.process = subprocess.Popen([program("FLOWLENS_LIST_FACTS"), "kubernetes", json.dumps(options)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            if "changed" in answer:
                self.changes += 1
            else:
                self.answers.put(answer)

    def list(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.answers.get(timeout=30)
        expect(TOKEN not in json.dumps(answer), f"the token is in {answer}")
        return answer

    def names(self):
        """Of each address that is known now."""
        return {f["address"]: f["value"] for f in self.list().get("facts", []) if f["attribute"] == "name"}

    def holders(self, address):
        facts = self.list().get("facts", [])
        return sorted(f["since"] for f in facts if f["attribute"] == "asset" and f["address"] == address)

    def close(self):
        began = time.monotonic()
        self.process.stdin.close()
        expect(self.process.wait(30) == 0, f"the client ended with {self.process.returncode}")
        expect(time.monotonic() - began < 10, "the client takes its time to end")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.close()


def pod(number, address, start="2026-06-01T10:00:00Z"):
    return {"metadata": {"name": f"web-{number}", "namespace": "shop", "uid": f"pod-{number}"},
            "spec": {"nodeName": "node-a"}, "status": {"phase": "Running", "podIP": address, "startTime": start}}


class World:
    """A cluster of five pods, a service and a node, and its client."""

    def __init__(self, directory):
        self.directory = directory
        make_certificates(self.directory)
        (self.directory / "token").write_text(TOKEN + "\n")
        self.api = ApiServer(self.directory, TOKEN)
        for i in range(5):
            self.api.put("pods", pod(i, f"10.244.0.{i}"))
        self.api.put("services", {"metadata": {"name": "web", "namespace": "shop", "uid": "svc-1"},
                                  "spec": {"clusterIP": "10.96.0.1"}})
        self.api.put("nodes", {"metadata": {"name": "node-a", "uid": "node-1"},
                               "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}})

    def client(self, **options):
        usual = {"api_server": self.api.url, "token_file": str(self.directory / "token"),
                 "ca_file": str(self.directory / "ca.crt"), "cluster": "prod"}
        return Client(**{k: v for k, v in {**usual, **options}.items() if v})


@contextlib.contextmanager
def cluster(name):
    with work_dir(name) as directory:
        world = World(directory)
        yield world
    

def test_lists_and_watches():
    """By pages at first, then by events; who held an address between two lists is not forgotten."""
    with cluster("kubernetes-watch") as world, world.client() as client:
        want = {f"10.244.0.{i}": f"web-{i}" for i in range(5)} | {"10.96.0.1": "web.shop", "10.0.0.1": "node-a"}
        expect(client.names() == want, f"{client.names()} instead of {want}")
        fact = client.list()["facts"][0]
        expect(fact["origin"] == "kubernetes:" + world.api.url and fact["source"] == "inventory", f"{fact}")
        pages = world.api.asked_for("pods", watch=False)
        expect([q.get("continue") for q in pages] == [None, "2", "4"], f"not listed by pages: {pages}")

        before = client.changes
        world.api.put("pods", pod(7, "10.244.0.7"))
        wait_for("word of a change", lambda: client.changes > before)
        expect(client.names().get("10.244.0.7") == "web-7", "a new pod is not known")
        say("a pod that came and went between two lists")
        world.api.put("pods", pod(8, "10.244.0.8", "2026-06-01T11:00:00Z"))
        world.api.delete("pods", "pod-8")
        world.api.put("pods", pod(9, "10.244.0.8", "2026-06-01T12:00:00Z"))
        wait_for("the address's next pod", lambda: client.names().get("10.244.0.8") == "web-9")
        expect(client.holders("10.244.0.8") == ["2026-06-01T11:00:00Z", "2026-06-01T12:00:00Z"],
               f"held by {client.holders('10.244.0.8')}")
        counters = client.list()["counters"]
        expect(counters["lists"] == 3 and counters["failures"] == 0, f"{counters}")


def test_plays_up():
    """What a server can do to a watch costs a list at most, and no event."""
    with cluster("kubernetes-trouble") as world, world.client() as client:
        wait_for("the first list", lambda: len(client.names()) == 7)
        number = 20
        for what, lists, refused in (("slow", 0, 0), ("bookmark", 0, 0), ("cut", 0, 0), ("gone", 1, 0), ("error", 1, 1),
                                     ("garbage", 1, 1), ("huge", 1, 0)):
            say(f"the server: {what}")
            wait_for("a watch", lambda: world.api.asked_for("pods", watch=True))
            before = client.list()["counters"]
            watches = len(world.api.asked_for("pods", watch=True))
            world.api.disturb("pods", what)
            if what not in ("slow", "bookmark"):
                wait_for("the next watch", lambda: len(world.api.asked_for("pods", watch=True)) > watches)
            number += 1
            world.api.put("pods", pod(number, f"10.244.1.{number}"))
            wait_for(f"the pod after {what}", lambda: client.names().get(f"10.244.1.{number}") == f"web-{number}")
            after = client.list()["counters"]
            expect(after["lists"] - before["lists"] == lists, f"{what}: {before}, {after}")
            expect(after["refused"] - before["refused"] == refused, f"{what}: {before}, {after}")
        say("while nobody watches, much happens and is forgotten")
        watches = len(world.api.asked_for("pods", watch=True))
        with world.api.changed:
            world.api.mischief["pods"].append("cut")
            world.api.oldest = world.api.version + 2
        world.api.put("pods", pod(50, "10.244.1.50"))
        world.api.put("pods", pod(51, "10.244.1.51"))
        wait_for("what is there after 410 Gone", lambda: client.names().get("10.244.1.51") == "web-51")


def test_says_what_is_wrong():
    """With the path, the status and what would help, and without the token."""
    with cluster("kubernetes-refused") as world:
        refused(world)


def refused(world):
    (world.directory / "wrong").write_text("not-this-one\n")
    cases = (({"token_file": str(world.directory / "wrong")}, "HTTP 401: the server does not know the token"),
             ({"token_file": str(world.directory / "missing")}, "missing: "),
             ({"ca_file": None}, "certificate"),
             ({"api_server": world.api.url + "/elsewhere"}, "HTTP 404"))
    for options, why in cases:
        with world.client(**options) as client:
            error = wait_for("word of what is wrong", lambda: why in (said := client.list().get("error", "")) and said)
            expect("not-this-one" not in error, f"{options}: {error}")
    say("a client certificate will do instead of a token")
    with world.client(token_file=None, certificate_file=str(world.directory / "client.crt"),
                      key_file=str(world.directory / "client.key")) as client:
        expect(len(client.names()) == 7, f"{client.list()}")
    world.api.forbidden.add("nodes")
    with world.client() as client:
        why = "/api/v1/nodes: HTTP 403: the account needs a role with list and watch of nodes"
        wait_for("word of what is forbidden", lambda: why in client.list().get("error", ""))
        world.api.forbidden.clear()
        wait_for("the nodes", lambda: len(client.names()) == 7)
        say("the server is gone, and comes back")
        world.api.close()
        wait_for("word of it", lambda: "error" in client.list())
        again = ApiServer(world.directory, TOKEN, world.api.port)
        again.put("pods", pod(1, "10.244.0.1"))
        wait_for("what is there now", lambda: client.names() == {"10.244.0.1": "web-1"})
        world.api = again


main(test_lists_and_watches, test_plays_up, test_says_what_is_wrong)
