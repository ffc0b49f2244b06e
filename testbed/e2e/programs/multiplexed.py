"""Threads that share one connection to a Redis server at UPSTREAM: each writes its command at once, one more reads the replies in order."""

import collections
import threading

import server

lock = threading.Lock()
waiting = collections.deque()
shared = server.upstream()


def read():
    data = b""
    while True:
        data += server.more(shared)
        while b"\r\n" in data:
            _, data = data.split(b"\r\n", 1)
            waiting.popleft().set()


def incr(key):
    done = threading.Event()
    with lock:
        waiting.append(done)
        shared.sendall(b"*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n" % (len(key), key))
    done.wait()


def handle(connection):
    for target in server.requests(connection):
        incr(b"hits:" + server.token(target))
        server.reply(connection)


threading.Thread(target=read, daemon=True).start()
server.threads(handle)
