"""A WebSocket client of our own (RFC 6455), which may also send what no client should."""

import base64
import hashlib
import json
import os
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The server answered something other than 101; `status` and `body` say what."""

    def __init__(self, status, head, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status, self.head, self.body = status, head, body


def frame(opcode, payload=b"", fin=True, masked=True, length=None):
    """One frame as a client sends it; `length` claims another one."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | opcode])
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))


class WebSocket:
    """An open WebSocket; `receive()` gives JSON, or None once it has been closed."""

    def __init__(self, port, path="/api/v1/ws", headers=(), seconds=20, stream=None):
        self.stream = stream or socket.create_connection(("127.0.0.1", port), seconds)
        self.buffer, self.close_code, self.close_reason = b"", None, ""
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall("\r\n".join([
            f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers, "", ""]).encode())
        head = self._until(b"\r\n\r\n").decode()
        status = int(head.split()[1])
        if status != 101:
            length = [line for line in head.split("\r\n") if line.lower().startswith("content-length:")]
            raise Refused(status, head, self._take(int(length[0].split(":")[1])) if length else b"")
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if accept.decode() not in head:
            raise AssertionError(f"a wrong Sec-WebSocket-Accept: {head}")
        self.head = head

    def _until(self, end):
        while end not in self.buffer:
            self._more()
        text, self.buffer = self.buffer.split(end, 1)
        return text + end

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        text, self.buffer = self.buffer[:size], self.buffer[size:]
        return text

    def _more(self):
        more = self.stream.recv(1 << 20)
        if not more:
            raise ConnectionError("the server has closed the connection")
        self.buffer += more

    def send_raw(self, octets):
        self.stream.sendall(octets)

    def send(self, message):
        self.send_raw(frame(TEXT, json.dumps(message).encode()))

    def receive_frame(self):
        """(opcode, payload)."""
        head = self._take(2)
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8))[0]
        return head[0] & 15, self._take(size)

    def receive(self, kind=None):
        """The next message, of that type; pings are answered on the way."""
        while True:
            try:
                opcode, payload = self.receive_frame()
            except ConnectionError:
                return None
            if opcode == PING:
                self.send_raw(frame(PONG, payload))
            elif opcode == CLOSE:
                self.close_code = struct.unpack("!H", payload[:2])[0] if payload else None
                self.close_reason = payload[2:].decode()
                return None
            elif opcode == TEXT:
                message = json.loads(payload)
                if kind in (None, message["type"]):
                    return message

    def close(self):
        self.stream.close()
