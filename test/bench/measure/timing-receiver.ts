/**
 * A receiver in a process of its own that takes the time of every delivery, so that neither the load nor what is
 * measured waits for the other. Run as a program: timing-receiver.ts PORT. GET answers with all times so far.
 */

import { createServer } from "node:http";
import type { ArrivalTimes } from "./measure-latency.ts";

type Received = { readonly timestamp: string; readonly data: { readonly sentAtMs: number } };

const times: { -readonly [Name in keyof ArrivalTimes]: number[] } = { sinceAcceptedMs: [], sinceSentMs: [] };

createServer((request, response) => {
  const arrivedAtMs = performance.timeOrigin + performance.now();
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (request.method === "GET") return void response.writeHead(200).end(JSON.stringify(times));
    response.writeHead(200).end();
    const { timestamp, data }: Received = JSON.parse(Buffer.concat(chunks).toString());
    // The timestamp is a whole millisecond, in which the event was accepted.
    times.sinceAcceptedMs.push(arrivedAtMs - Date.parse(timestamp));
    times.sinceSentMs.push(arrivedAtMs - data.sentAtMs);
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
