"use strict";
// The main thread serves HTTP and hands each request to one of POOL worker threads in turn, which makes the call and
// tells it when it is done.
const http = require("node:http");
const { Worker, isMainThread, parentPort } = require("node:worker_threads");
const { call } = require("./backend");

function serve() {
  const waiting = new Map();
  const workers = Array.from({ length: Number(process.env.POOL) }, () => {
    const worker = new Worker(__filename);
    worker.on("message", (id) => {
      waiting.get(id).end("ok\n");
      waiting.delete(id);
    });
    return worker;
  });
  let next = 0;
  http
    .createServer((request, response) => {
      const id = new URL(request.url, "http://localhost").searchParams.get("id");
      waiting.set(id, response);
      workers[next++ % workers.length].postMessage(id);
    })
    .listen(Number(process.env.PORT), "127.0.0.1", 1024);
}

function work() {
  parentPort.on("message", async (id) => {
    await call("/b1", id);
    parentPort.postMessage(id);
  });
}

if (isMainThread) serve();
else work();
