"""A thread for each connection, and a new connection for each call. For requests with an even token that is to GONE, where nobody listens."""

import os
import socket

import server


def handle(connection):
    for target in server.requests(connection):
        token = server.token(target)
        if int(token[-1:], 16) % 2:
            with server.upstream() as calls:
                server.ask(calls, b"/call?id=" + token)
        else:
            host, port = os.environ["GONE"].split(":")
            try:
                socket.create_connection((host, int(port)))
            except ConnectionRefusedError:
                pass
        server.reply(connection)


server.threads(handle)
