// Answers `/…?ms=WAIT&kb=SIZE&status=CODE&slower=MS`: the last waits so long for each request that is open.
import http from 'node:http';
import { ready } from './serve.mjs';

const body = Buffer.alloc(1_000_000, 'x');
let open = 0;
ready(
  http.createServer((request, response) => {
    const asked = new URL(request.url, 'http://localhost').searchParams;
    const number = (name, otherwise) => Number(asked.get(name) ?? otherwise);
    open++;
    response.on('close', () => open--);
    const size = number('kb', 0) * 1000;
    const end = () => {
      response.writeHead(number('status', 200), { 'content-type': 'application/json', 'content-length': size || 2 });
      response.end(size ? body.subarray(0, size) : '{}');
    };
    setTimeout(end, number('ms', 0) + number('slower', 0) * open);
  }),
);
