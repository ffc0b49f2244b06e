"""Each request makes a call. The first one also starts a thread that polls UPSTREAM from then on, for ever."""

import threading
import time

import server

started = threading.Event()


def poll():
    connection = server.upstream()
    while True:
        server.ask(connection, b"/poll")
        time.sleep(0.001)


def handle(connection):
    calls = server.upstream()
    for target in server.requests(connection):
        if not started.is_set():
            started.set()
            threading.Thread(target=poll, daemon=True).start()
        server.ask(calls, b"/call?id=" + server.token(target))
        server.reply(connection)


server.threads(handle)
