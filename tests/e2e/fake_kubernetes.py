"""The few pages of a Kubernetes API server that list and watch, over TLS, and all that can go wrong there."""

import collections
import json
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KINDS = {"pods": "Pod", "services": "Service", "nodes": "Node"}
HUGE = 3 << 20


class ApiServer:
    """Speaks until closed. `mischief[plural]` is done by the next watch of that kind, once each."""

    def __init__(self, directory, token, port=0):
        self.token, self.changed = token, threading.Condition()
        self.version, self.oldest = 100, 0
        self.objects = {plural: {} for plural in KINDS}
        self.events = []                         # (version, plural, type, object)
        self.mischief = collections.defaultdict(collections.deque)
        self.forbidden = set()
        self.asked = []                          # (plural, query) of each request that was let in
        self.closing = False
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler_of(self))
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "server.crt", directory / "server.key")
        context.load_verify_locations(directory / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        # The hand-shake belongs to the connection's own thread, or one that drags on would stop all.
        self.server.handle_error = lambda *_: None  # those who do not trust us, or go while we speak
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def put(self, plural, thing, kind_of_event=None):
        with self.changed:
            self.version += 1
            thing["kind"], thing["apiVersion"] = KINDS[plural], "v1"
            thing["metadata"]["resourceVersion"] = str(self.version)
            uid = thing["metadata"]["uid"]
            event = kind_of_event or ("MODIFIED" if uid in self.objects[plural] else "ADDED")
            if event == "DELETED":
                del self.objects[plural][uid]
            else:
                self.objects[plural][uid] = thing
            self.events.append((self.version, plural, event, json.loads(json.dumps(thing))))
            self.changed.notify_all()

    def delete(self, plural, uid):
        self.put(plural, self.objects[plural][uid], "DELETED")

    def forget_events(self):
        """As after a compaction: whoever is behind has to list anew."""
        with self.changed:
            self.oldest = self.version

    def disturb(self, plural, what):
        with self.changed:
            self.mischief[plural].append(what)
            self.changed.notify_all()

    def asked_for(self, plural, watch):
        return [q for p, q in list(self.asked) if p == plural and ("watch" in q) == watch]

    def close(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()


def handler_of(api):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            self.close_connection = api.closing
            if api.closing:
                return None
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            plural = url.path.removeprefix("/api/v1/")
            if self.headers.get("Authorization") != f"Bearer {api.token}" and not self.connection.getpeercert():
                return self.answer(401, {"kind": "Status", "code": 401, "message": self.headers.get("Authorization")})
            if plural not in KINDS:
                return self.answer(404, {"kind": "Status", "code": 404})
            if plural in api.forbidden:
                return self.answer(403, {"kind": "Status", "code": 403})
            api.asked.append((plural, query))
            return self.watch(plural, query) if "watch" in query else self.list(plural, query)

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def list(self, plural, query):
            with api.changed:
                items = [{k: v for k, v in thing.items() if k not in ("kind", "apiVersion")}
                         for _, thing in sorted(api.objects[plural].items())]
                version = str(api.version)
            first, limit = int(query.get("continue", "0")), int(query["limit"])
            metadata = {"resourceVersion": version}
            if first + limit < len(items):
                metadata["continue"] = str(first + limit)
            self.answer(200, {"kind": KINDS[plural] + "List", "apiVersion": "v1", "metadata": metadata,
                              "items": items[first:first + limit]})

        def piece(self, octets):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(octets), octets))
            self.wfile.flush()

        def event(self, kind, thing):
            self.piece(json.dumps({"type": kind, "object": thing}).encode() + b"\n")

        def watch(self, plural, query):
            seen = int(query["resourceVersion"])
            if seen < api.oldest:
                return self.answer(410, {"kind": "Status", "code": 410, "reason": "Expired"})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            end = time.monotonic() + min(int(query["timeoutSeconds"]), 60)
            try:
                while not api.closing and time.monotonic() < end:
                    with api.changed:
                        api.changed.wait_for(lambda: api.closing or api.mischief[plural] or api.version > seen, 0.5)
                        what = api.mischief[plural].popleft() if api.mischief[plural] else None
                        news = [e for e in api.events if e[0] > seen and e[1] == plural]
                        seen = max(seen, api.version)
                    if what and not self.disturb(what, news, seen):
                        self.close_connection = True
                        return None
                    for _, _, kind, thing in [] if what else news:
                        self.event(kind, thing)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True
            return None

        def disturb(self, what, news, seen):
            """Returns whether the watch goes on."""
            if what == "bookmark":
                for _, _, kind, thing in news:
                    self.event(kind, thing)
                self.event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(seen)}})
            elif what == "cut":  # in the midst of an event, and of a chunk
                self.wfile.write(b"1000\r\n" + b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"uid":"half')
                self.wfile.flush()
                self.connection.close()
                return False
            elif what == "gone":
                self.event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"})
            elif what == "error":
                self.event("ERROR", {"kind": "Status", "code": 500, "message": f"Bearer {api.token}"})
            elif what == "garbage":
                self.piece(b'{"type": "ADDED", \x00\xff\n')
            elif what == "huge":
                self.piece(b'{"type":"ADDED","object":{"x":"' + b"x" * HUGE)
            elif what == "slow":
                for _, _, kind, thing in news:
                    for octet in json.dumps({"type": kind, "object": thing}).encode() + b"\n":
                        self.piece(bytes([octet]))
            return what in ("bookmark", "slow")

    return Handler
