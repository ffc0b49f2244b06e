"""An aiohttp server whose handler gathers two calls, sleeps and makes a third.

CONNECTIONS: how many the client may have; others wait for one. Without it there is no limit.
"""

import asyncio
import os

import aiohttp
from aiohttp import web

DELAY = "http://" + os.environ["DELAY_ADDR"]


async def call(session, path, token):
    async with session.get(f"{DELAY}{path}?id={token}") as response:
        await response.read()


async def work(request):
    session, token = request.app["session"], request.query["id"]
    await asyncio.gather(call(session, "/b1", token), call(session, "/b2", token))
    await asyncio.sleep(0.005)
    await call(session, "/b3", token)
    return web.Response(text="ok\n")


async def client(app):
    app["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=int(os.environ.get("CONNECTIONS", "0"))))
    yield
    await app["session"].close()


app = web.Application()
app.cleanup_ctx.append(client)
app.router.add_get("/work", work)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), backlog=1024, access_log=None, print=None)
