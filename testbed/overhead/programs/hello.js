// The smallest HTTP server that Node makes.
'use strict';
const http = require('http');

http.createServer((req, res) => res.end('hello\n')).listen(process.env.PORT, '127.0.0.1');
