/** A name server over UDP that answers from a zone, remembers what it was asked, and lies where it is told to. */

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";

export interface Host {
  readonly a?: readonly string[];
  /** With all eight groups. */
  readonly aaaa?: readonly string[];
  /** Where the name leads before it has addresses. */
  readonly cname?: readonly string[];
  readonly ttlS?: number;
  readonly delayMs?: number;
  readonly lie?: Lie;
}

export type Lie =
  | "silent"
  | "server_failure"
  | "refused"
  | "wrong_id"
  | "wrong_question"
  | "wrong_name"
  | "wrong_type"
  | "truncated"
  | "short"
  | "garbage"
  | "cname_loop";

/** What a name is, or what it is when it is asked for a type for the `ordinal`-th time, from 1. */
export type Zone = { readonly [name: string]: Host | ((ordinal: number) => Host) };

export interface NameServer extends AsyncDisposable {
  /** `A name` or `AAAA name`, in order of arrival. */
  readonly asked: readonly string[];
  readonly server: string;
}

type Question = { readonly name: string; readonly type: number; readonly end: number };

const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_TXT = 16;
const TYPE_AAAA = 28;
const NOT_FOUND = 3;
const RESPONSE_CODES: { readonly [lie: string]: number } = { server_failure: 2, refused: 5 };
const QUESTION_NAME = Buffer.from([0xc0, 0x0c]);

/** `failing.test` and `silent.test` do what they say. */
const ALWAYS: Zone = { "failing.test": { lie: "server_failure" }, "silent.test": { lie: "silent" } };

export async function startNameServer(zone: Zone): Promise<NameServer> {
  const asked: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const socket = createSocket("udp4");

  function hostOf(name: string, key: string): Host | undefined {
    const entry = zone[name] ?? ALWAYS[name];
    return typeof entry === "function" ? entry(asked.filter((each) => each === key).length) : entry;
  }

  function answer(query: Buffer, from: RemoteInfo): void {
    const question = readQuestion(query);
    const key = `${question.type === TYPE_A ? "A" : "AAAA"} ${question.name}`;
    asked.push(key);
    const host = hostOf(question.name, key);
    if (host?.lie === "silent") return;
    const message = messageFor(query, question, host);
    const send = () => socket.send(message, from.port, from.address);
    if (host?.delayMs === undefined) send();
    else timers.add(setTimeout(send, host.delayMs));
  }

  socket.on("message", answer);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    asked,
    server: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      socket.close();
      await once(socket, "close");
    },
  };
}

function messageFor(query: Buffer, question: Question, host: Host | undefined): Buffer {
  const header = Buffer.from(query.subarray(0, 12));
  const records = host?.lie === "truncated" ? [] : recordsOf(question, host);
  const code = host === undefined ? NOT_FOUND : (RESPONSE_CODES[host.lie ?? ""] ?? 0);
  header.writeUInt16BE(0x8180 | code | (host?.lie === "truncated" ? 0x0200 : 0), 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  if (host?.lie === "wrong_id") header.writeUInt16BE(query.readUInt16BE(0) ^ 0xffff, 0);
  const asked = Buffer.from(query.subarray(12, question.end));
  if (host?.lie === "wrong_question") asked.write("x", 1);
  const message = Buffer.concat([header, asked, ...records]);
  switch (host?.lie) {
    case "garbage":
      return Buffer.alloc(400, 0xc0);
    case "short":
      return message.subarray(0, message.length - 3);
    default:
      return message;
  }
}

function recordsOf({ name, type }: Question, host: Host | undefined): readonly Buffer[] {
  const ttlS = host?.ttlS ?? 60;
  if (host?.lie === "cname_loop") return [record(QUESTION_NAME, TYPE_CNAME, ttlS, encodedName(name))];
  const chain = host?.cname ?? [];
  const links = chain.map((to, index) => {
    const from = index === 0 ? QUESTION_NAME : encodedName(chain[index - 1] ?? "");
    return record(from, TYPE_CNAME, ttlS, encodedName(to));
  });
  const last = chain.at(-1);
  const owner = host?.lie === "wrong_name" ? "other.test" : last;
  const addresses = (type === TYPE_A ? host?.a : type === TYPE_AAAA ? host?.aaaa : undefined) ?? [];
  return [
    ...links,
    ...addresses.map((address) =>
      record(
        owner === undefined ? QUESTION_NAME : encodedName(owner),
        host?.lie === "wrong_type" ? TYPE_TXT : type,
        ttlS,
        type === TYPE_A ? Buffer.from(address.split(".").map(Number)) : ipv6Bytes(address),
      ),
    ),
  ];
}

function readQuestion(query: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function record(owner: Buffer, type: number, ttlS: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlS, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

function encodedName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

function ipv6Bytes(address: string): Buffer {
  const groups = address.split(":").map((group) => group.padStart(4, "0"));
  return Buffer.from(groups.join(""), "hex");
}
