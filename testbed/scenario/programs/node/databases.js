"use strict";
// An Express application that asks PostgreSQL, MariaDB and Redis one after the other, through their usual clients and
// connection pools.
const express = require("express");
const Redis = require("ioredis");
const mysql = require("mysql2/promise");
const { Pool } = require("pg");

const max = Number(process.env.POOL);
const postgres = new Pool({
  host: process.env.POSTGRES_HOST,
  port: Number(process.env.POSTGRES_PORT),
  user: "testbed",
  database: "postgres",
  max,
});
const mariadb = mysql.createPool({
  host: process.env.MARIADB_HOST,
  port: Number(process.env.MARIADB_PORT),
  user: "root",
  database: "testbed",
  connectionLimit: max,
});
const redis = new Redis(Number(process.env.REDIS_PORT), process.env.REDIS_HOST);

const app = express();
app.get("/work", async (request, response) => {
  const id = request.query.id;
  await postgres.query(`SELECT name FROM item WHERE id = 7 /* ${id} */`);
  await mariadb.query(`SELECT name FROM item WHERE id = 7 /* ${id} */`);
  await redis.incr(`hits:${id}`);
  response.send("ok\n");
});
app.listen(Number(process.env.PORT), "127.0.0.1", 1024);
