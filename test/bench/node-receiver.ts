/** A receiver in a process of its own that answers 200 to everything. Run as a program: node-receiver.ts PORT. */

import { createServer } from "node:http";

createServer((request, response) => {
  request.resume();
  request.on("end", () => response.writeHead(200).end());
}).listen(Number(process.argv[2]), "127.0.0.1");
