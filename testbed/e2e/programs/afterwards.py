"""Each request makes a call and is answered. Then its thread makes another call, which nobody waits for."""

import server


def handle(connection):
    calls = server.upstream()
    for target in server.requests(connection):
        server.ask(calls, b"/call?id=" + server.token(target))
        server.reply(connection)
        server.ask(calls, b"/afterwards")


server.threads(handle)
