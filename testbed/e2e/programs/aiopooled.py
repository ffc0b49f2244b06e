"""An event loop whose requests share one connection to UPSTREAM, which the first request opens."""

import asyncio
import os
import sys

pool = []


async def ask(lock, target):
    async with lock:
        if not pool:
            host, port = os.environ["UPSTREAM"].split(":")
            pool.extend(await asyncio.open_connection(host, int(port)))
        reader, writer = pool
        writer.write(b"GET %s HTTP/1.1\r\nHost: upstream\r\n\r\n" % target)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)


async def main():
    lock = asyncio.Lock()

    async def handle(reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            target = head.split(b" ")[1]
            await ask(lock, b"/call?id=" + target.split(b"id=")[1])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    print("127.0.0.1:%d" % listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
