/**
 * A receiver in a process of its own that answers 200 to everything, and on GET with how many posts it has had. Run as
 * a program: node-receiver.ts PORT.
 */

import { createServer } from "node:http";

let posts = 0;

createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200).end(String(posts));
    return;
  }
  request.resume();
  request.on("end", () => {
    posts += 1;
    response.writeHead(200).end();
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
