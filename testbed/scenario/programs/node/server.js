"use strict";
// An HTTP server on Node's event loop. The query says which habit.
const http = require("node:http");
const { setTimeout: sleep } = require("node:timers/promises");
const { call } = require("./backend");

const habits = {
  async none() {},
  async sequential(id) {
    await call("/b1", id);
    await call("/b2", id);
  },
  async parallel(id) {
    await Promise.all([call("/b1", id), call("/b2", id)]);
  },
  async sleep(id) {
    await sleep(5);
    await call("/b1", id);
  },
  async between(id) {
    await call("/b1", id);
    await sleep(5);
    await call("/b2", id);
  },
};

http
  .createServer(async (request, response) => {
    const query = new URL(request.url, "http://localhost").searchParams;
    await habits[query.get("k")](query.get("id"));
    response.end("ok\n");
  })
  .listen(Number(process.env.PORT), "127.0.0.1", 1024);
