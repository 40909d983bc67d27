"""Chromium without a window, driven by its DevTools protocol: opens pages, runs scripts in them, takes pictures."""

import base64
import json
import tempfile
import time
import urllib.request
from pathlib import Path

from harness import Process, need, wait_for
from websocket import TEXT, WebSocket, frame


class Browser:
    """One tab. `problems` are exceptions that nobody caught and errors of the console."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="flowlens-browser-")
        profile = Path(self.folder.name)
        # No sandbox: tests run as root in containers; the only pages are ours.
        self.process = Process(
            [need("chromium", "chromium-browser"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-port=0", f"--user-data-dir={profile}", "--window-size=1400,900", "about:blank"],
            profile / "chromium.log")
        port_file = profile / "DevToolsActivePort"
        wait_for("Chromium", lambda: port_file.exists() and port_file.read_text().count("\n"), 60)
        self.port = int(port_file.read_text().split()[0])
        self.socket = WebSocket(self.port, self.tab()["webSocketDebuggerUrl"].split(f":{self.port}", 1)[1], seconds=60)
        self.number, self.problems = 0, []
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def tab(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json", timeout=20) as reply:
            return next(t for t in json.load(reply) if t["type"] == "page")

    def ask(self, method, **parameters):
        """The answer to one command; what happens meanwhile is looked through for problems."""
        self.number += 1
        self.socket.send_raw(frame(TEXT, json.dumps(
            {"id": self.number, "method": method, "params": parameters}).encode()))
        while True:
            message = json.loads(self.socket.receive_frame()[1])
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self.note(message)

    def note(self, message):
        about = message.get("params", {})
        if message["method"] == "Runtime.exceptionThrown":
            self.problems.append(about["exceptionDetails"]["exception"].get("description", str(about)))
        elif message["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.problems.append(about["entry"]["text"])

    def open(self, url):
        self.ask("Page.navigate", url=url)

    def run(self, script):
        """What the script's last expression is; promises are waited for."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, what, script, seconds=60):
        return wait_for(what, lambda: self.run(script), seconds)

    def type(self, field, text):
        """As a person does: focus, then letters."""
        self.run(f"document.getElementById({json.dumps(field)}).focus(), document.getElementById({json.dumps(field)}).select()")
        self.ask("Input.insertText", text=text)

    def press(self, button):
        self.run(f"document.getElementById({json.dumps(button)}).click()")

    def picture(self, path):
        Path(path).write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.stop()
        time.sleep(0.2)  # its children let go of the profile
        self.folder.cleanup()
