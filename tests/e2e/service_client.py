#!/usr/bin/env python3
"""Uses one service a number of times, from an address of its choice.

    service_client.py (http|postgresql|redis|domain) CLIENT SERVER PORT TIMES

Every use is a connection of its own; a failed one ends the program with an error.
"""

import random
import socket
import struct
import sys
import time


def read_until(stream, complete):
    data = b""
    while not complete(data):
        more = stream.recv(65536)
        if not more:
            raise ConnectionError(f"closed early: {data[-100:]!r}")
        data += more
    return data


def http(stream, turn):
    stream.sendall(b"GET /page%d.html HTTP/1.0\r\nHost: server\r\n\r\n" % (turn % 3))
    data = b""
    while more := stream.recv(65536):
        data += more
    if not data.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")):
        raise ValueError(f"answer {data[:80]!r}")


def postgresql(stream, turn):
    """The version 3 protocol with trust authentication: start, one query, terminate."""
    start = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    stream.sendall(struct.pack("!I", len(start) + 4) + start)

    def ready(data):
        if data[:1] == b"E":
            raise ValueError(f"answer {data!r}")
        return len(data) >= 6 and data[-6:-1] == b"Z\0\0\0\5"

    read_until(stream, ready)
    for rows in (10, 200 + turn):
        query = b"SELECT repeat('x', 50) FROM generate_series(1, %d)\0" % rows
        stream.sendall(b"Q" + struct.pack("!I", len(query) + 4) + query)
        read_until(stream, ready)
    stream.sendall(b"X\0\0\0\4")


def redis(stream, turn):
    value = b"v" * (100 * (turn % 20 + 1))
    for words in ((b"SET", b"key", value), (b"GET", b"key")):
        stream.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        read_until(stream, lambda data: data.endswith(b"\r\n") and (words[0] == b"SET" or len(data) > len(value)))


def domain(client, server, port, turn):
    query = struct.pack("!HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0)
    for label in (f"host{turn % 5}", "example", "test"):
        query += bytes([len(label)]) + label.encode()
    query += struct.pack("!BHH", 0, 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind((client, 0))
        asked.settimeout(5)
        asked.sendto(query, (server, port))
        answer = asked.recv(4096)
    if answer[:2] != query[:2] or answer[3] & 15 != 0 or answer[6:8] == b"\0\0":
        raise ValueError(f"answer {answer!r}")


def main():
    service, client, server, port, times = sys.argv[1:]
    for turn in range(int(times)):
        if service == "domain":
            domain(client, server, int(port), turn)
        else:
            with socket.create_connection((server, int(port)), 10, (client, 0)) as stream:
                {"http": http, "postgresql": postgresql, "redis": redis}[service](stream, turn)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
