"""A server that is told when to make a call (a line "call TARGET" on its input), and answers the latest request when it is told ("reply")."""

import sys

import server

listener = server.listen()
calls = server.upstream()
connections = []
for line in sys.stdin:
    words = line.split()
    if words[0] == "accept":
        connections.append(listener.accept()[0])
        print(next(server.requests(connections[-1])).decode(), flush=True)
    elif words[0] == "call":
        server.ask(calls, words[1].encode())
        print("called", flush=True)
    elif words[0] == "reply":
        server.reply(connections[-1])
        print("replied", flush=True)
