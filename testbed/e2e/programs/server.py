"""What the programs share: a thread for each connection, HTTP by hand, and calls to UPSTREAM."""

import os
import socket
import sys
import threading


def upstream():
    """Opens a connection to UPSTREAM."""
    host, port = os.environ["UPSTREAM"].split(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(connection, target):
    """Makes one call and waits for its reply."""
    send(connection, target)
    receive(connection)


def send(connection, target):
    connection.sendall(b"GET %s HTTP/1.1\r\nHost: upstream\r\n\r\n" % target)


def receive(connection):
    """Reads one reply with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += more(connection)
    head, body = data.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += more(connection)


def more(connection):
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("closed")
    return data


def requests(connection):
    """Yields the target of each request that comes, those of one read one after the other."""
    data = b""
    while True:
        while b"\r\n\r\n" in data:
            head, data = data.split(b"\r\n\r\n", 1)
            yield head.split(b" ")[1]
        part = connection.recv(65536)
        if not part:
            return
        data += part


def reply(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")


def token(target):
    return target.split(b"id=")[1]


def listen():
    """Listens on a free port and says where."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    return listener


def threads(handle):
    """Runs handle(connection) in a thread of its own for each connection, until the input ends."""

    def run(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            try:
                handle(connection)
            except OSError:
                pass

    def accept(listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=run, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, args=(listen(),), daemon=True).start()
    sys.stdin.read()
