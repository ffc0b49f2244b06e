"use strict";
// Makes a call to the delay server and then passes the request on to the service at NEXT.
const http = require("node:http");
const { call } = require("./backend");

const agent = new http.Agent({ keepAlive: true });

const pass = (id) =>
  new Promise((resolve, reject) => {
    http
      .get(`http://${process.env.NEXT}/work?id=${id}`, { agent }, (response) => {
        response.resume();
        response.on("end", resolve);
      })
      .on("error", reject);
  });

http
  .createServer(async (request, response) => {
    const id = new URL(request.url, "http://localhost").searchParams.get("id");
    await call(process.env.CALL, id);
    await pass(id);
    response.end("ok\n");
  })
  .listen(Number(process.env.PORT), process.env.HOST, 1024);
