/** Asks a NATS server whether its cluster has a JetStream leader, in the few words of its protocol that this takes. */

import { connect } from "node:net";
import { LOOPBACK } from "./free-port.ts";

const ANSWER_TIMEOUT_MS = 1_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** Only the leader of a cluster answers it, and a server without a leader says that there is none. */
const ACCOUNT_INFO = "$JS.API.INFO";
const REQUEST = [
  'CONNECT {"verbose":false,"pedantic":false,"headers":false}',
  "SUB posthorn.leader 1",
  `PUB ${ACCOUNT_INFO} posthorn.leader 0`,
  "",
  "",
].join("\r\n");

/** One try; false while there is no leader, or no answer. */
export function hasJetStreamLeader(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port }, () => socket.write(REQUEST));
    let answer = "";
    const finish = (hasLeader: boolean): void => {
      socket.destroy();
      resolve(hasLeader);
    };
    const timer = setTimeout(() => finish(false), ANSWER_TIMEOUT_MS);
    socket.once("error", () => finish(false));
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(false);
    });
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      const reply = /\r\nMSG posthorn\.leader [^\r]*\r\n([^\r]+)\r\n/.exec(answer)?.[1];
      if (reply !== undefined) finish(!reply.includes('"error"'));
      else if (answer.length > ANSWER_BYTES_MAX) finish(false);
    });
  });
}
