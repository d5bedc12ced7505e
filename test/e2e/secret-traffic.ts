/** What the search for secrets needs of traffic: recorded answers, a receiver that repeats, and requests gone wrong. */

import type { ReceiverAnswer } from "@posthorn/testkit";
import type { RestAnswer } from "../../deploy/local/rest-client.ts";
import type { Stack } from "../../deploy/local/stack.ts";

/** Headers and body of one answer, as text. */
export type Answer = { readonly to: string; readonly text: string };

export type RecordedCall = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<RestAnswer>;

/** Calls with the key, at ingest for events and at the api for all else; every answer is added to `answers`. */
export function recordAnswers(stack: Stack, key: string, answers: Answer[]): RecordedCall {
  return async (method, path, body, headers = {}) => {
    const isPublish = method === "POST" && path.endsWith("/events");
    const response = await fetch(`${isPublish ? stack.ingestUrl : stack.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    answers.push({ to: `${method} ${path}`, text: `${JSON.stringify([...response.headers])}${text}` });
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
}

/** Some receivers repeat the request that they got, in an answer that history shows. */
export function echo(path: string, headers: readonly string[]): ReceiverAnswer {
  const status = path.startsWith("/fails") ? 500 : 200;
  const repeated = { "x-repeated": headers.join(" ") };
  return { kind: "respond", status, headers: repeated, body: `${path}\n${headers.join("\n")}` };
}

/** Webhooks that nobody can have, each with the secret in another wrong place. */
export function mistakenOrders(url: string, secret: string): readonly unknown[] {
  const events = ["secret.*"];
  const github = { url, events, profile: "github-dispatch" };
  return [
    { url, events, secret: `${secret}\u0000` },
    { url, events, secret: [secret] },
    { url, events, secret: `whsk_${secret}`, signing: "ed25519" },
    { url, events, headers: { "X-Token": `${secret}\n` } },
    { url, events, headers: { host: secret } },
    { ...github, profile_options: { token: `${secret} x` } },
    { ...github, profile_options: { tokn: secret } },
    { url: `http://user:${secret}@example.com/`, events },
    { url: `https://127.0.0.1:99999/?t=${secret}`, events },
    { url: `https://10.0.0.1/?t=${secret}`, events },
    `{"url":"${url}","secret":"${secret}`,
  ];
}
