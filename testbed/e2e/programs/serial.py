"""A thread for each connection, which takes all requests that come in one read and answers them one after the other, with a call each."""

import server


def handle(connection):
    calls = server.upstream()
    for target in server.requests(connection):
        server.ask(calls, b"/call?id=" + server.token(target))
        server.reply(connection)


server.threads(handle)
