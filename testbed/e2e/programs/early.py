"""A thread makes a call before it looks for a request, and reads the reply of the call right before it answers the request."""

import server


def handle(connection):
    calls = server.upstream()
    server.send(calls, b"/early")
    for target in server.requests(connection):
        server.receive(calls)
        server.reply(connection)
        server.send(calls, b"/early")


server.threads(handle)
