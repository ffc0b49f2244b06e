"""A server that is told when to make a call (a line "call TARGET" on its input), and answers requests when it is told ("reply")."""

import sys

import server

listener = server.listen()
calls = server.upstream()
connection = None
for line in sys.stdin:
    words = line.split()
    if words[0] == "accept":
        connection, _ = listener.accept()
        print(next(server.requests(connection)).decode(), flush=True)
    elif words[0] == "call":
        server.ask(calls, words[1].encode())
        print("called", flush=True)
    elif words[0] == "reply":
        server.reply(connection)
        print("replied", flush=True)
