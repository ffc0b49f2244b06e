"""An HTTP server on asyncio streams, with kept connections to the backend from a free list.

MODE=sequential: two calls one after the other. MODE=executor: run_in_executor with a pool of POOL threads. MODE=mix: the
query says which habit.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import backend

POOL = ThreadPoolExecutor(int(os.environ["POOL"]) or None)
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
free = []


async def read_head(reader):
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def call(path, token):
    connection = free.pop() if free else await asyncio.open_connection(os.environ["DELAY_HOST"], os.environ["DELAY_PORT"])
    reader, writer = connection
    writer.write(f"GET {path}?id={token} HTTP/1.1\r\nHost: delay\r\n\r\n".encode())
    head = await read_head(reader)
    length = next(line for line in head.split("\r\n") if line.lower().startswith("content-length:"))
    await reader.readexactly(int(length.split(":")[1]))
    free.append(connection)


async def sequential(query, token):
    await call("/b1", token)
    await call("/b2", token)


async def executor(query, token):
    await asyncio.get_running_loop().run_in_executor(POOL, backend.call, "/b1", token)


async def mix(query, token):
    kind = query["k"][0]
    if kind == "sequential":
        await call("/b1", token)
        await call("/b2", token)
    elif kind == "gather":
        await asyncio.gather(call("/b1", token), call("/b2", token))
    elif kind == "sleep":
        await asyncio.sleep(0.005)
        await call("/b1", token)
    elif kind == "between":
        await call("/b1", token)
        await asyncio.sleep(0.005)
        await call("/b2", token)


WORK = {"sequential": sequential, "executor": executor, "mix": mix}[os.environ["MODE"]]


async def serve(reader, writer):
    try:
        while True:
            head = await read_head(reader)
            query = parse_qs(urlsplit(head.split(" ", 2)[1]).query)
            await WORK(query, query["id"][0])
            writer.write(REPLY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), backlog=1024)
    await server.serve_forever()


asyncio.run(main())
