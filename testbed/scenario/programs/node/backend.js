"use strict";
// What the Node programs share: a call to the delay server on kept connections, at most SOCKETS of them.
const http = require("node:http");

const agent = new http.Agent({
  keepAlive: true,
  maxSockets: Number(process.env.SOCKETS ?? Infinity),
  maxFreeSockets: 1024,
});

exports.call = (path, id) =>
  new Promise((resolve, reject) => {
    const options = { host: process.env.DELAY_HOST, port: process.env.DELAY_PORT, path: `${path}?id=${id}`, agent };
    const request = http.get(options, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    request.on("error", reject);
  });
