"""A FastAPI application on uvicorn whose handler gathers two calls and then makes a third, with httpx.

LOOP: asyncio or uvloop.
"""

import asyncio
import os

import httpx
import uvicorn
from fastapi import FastAPI

DELAY = "http://" + os.environ["DELAY_ADDR"]

app = FastAPI()
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=None))


async def call(path, token):
    (await client.get(DELAY + path, params={"id": token})).raise_for_status()


@app.get("/work")
async def work(id: str):
    await asyncio.gather(call("/b1", id), call("/b2", id))
    await call("/b3", id)
    return "ok"


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), loop=os.environ["LOOP"], access_log=False, backlog=1024)
