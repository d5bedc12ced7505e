import { type EgressPolicy, type Place, type PostResult, parseTargetUrl } from "@posthorn/egress";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Signed } from "../io/signer-stream.ts";
import { event, item, webhook } from "./dispatch.fixture.ts";
import { createSendRequest, type OutgoingRequest, type SendPorts } from "./send-request.ts";

const SIGNATURE_AGE_MS_MAX = 5_000;
const POLICY: EgressPolicy = { allowHttp: false, allowedTargets: [], deniedTargets: [] };

/** What happened, in order. */
let story: string[];
let isPlaceFree: () => Promise<void>;
let isSigned: () => Promise<void>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  story = [];
  [isPlaceFree, isSigned] = [async () => {}, async () => {}];
});
afterEach(() => {
  vi.useRealTimers();
});

const place = { [Symbol.dispose]: () => void story.push("place given back") } as unknown as Place;
const response: PostResult = {
  kind: "response",
  status: 200,
  headers: [],
  body: new Uint8Array(),
  truncated: false,
  bodyEnd: "complete",
  redone: false,
  timing: { durationMs: 1, connectMs: undefined, headersMs: 1 },
};
const ports: SendPorts = {
  signer: {
    sign: async (): Promise<Signed> => {
      await isSigned();
      story.push("signed");
      return { kind: "signed", headers: [{ name: "webhook-signature", value: "v1,x", isSecret: false }] };
    },
  },
  egress: {
    reserve: async () => {
      await isPlaceFree();
      story.push("place");
      return place;
    },
    post: async () => {
      story.push("posted");
      return response;
    },
  },
  parseTarget: (url) => parseTargetUrl(url, POLICY),
  userAgent: "Posthorn/test",
  tracing: {
    enabled: false,
    startSpan: () => ({ traceparent: "", setAttributes() {}, fail() {}, end() {} }),
    [Symbol.asyncDispose]: async () => {},
  },
  dispatcher: "dispatcher-1",
  nowMs: Date.now,
};
const request = (): OutgoingRequest => ({
  item,
  webhook,
  event,
  mayLeave: () => {
    story.push("asked");
    return "yes";
  },
  possibleRepeat: false,
  isTest: false,
});

describe("a request", () => {
  it("holds none of the receiver's sockets while it waits for its signature", async () => {
    expect(await createSendRequest(ports)(request())).toMatchObject({ kind: "exchanged" });
    expect(story).toEqual(["signed", "place", "asked", "posted", "place given back"]);
  });

  it("is signed anew when it waited long for a socket, which it keeps", async () => {
    isPlaceFree = async () => void vi.advanceTimersByTime(SIGNATURE_AGE_MS_MAX + 1);
    expect(await createSendRequest(ports)(request())).toMatchObject({ kind: "exchanged" });
    expect(story).toEqual(["signed", "place", "signed", "asked", "posted", "place given back"]);
  });

  it("is planned anew when signing it takes too long even then", async () => {
    isPlaceFree = async () => void vi.advanceTimersByTime(SIGNATURE_AGE_MS_MAX + 1);
    isSigned = isPlaceFree;
    expect(await createSendRequest(ports)(request())).toEqual({ kind: "reconsider" });
    expect(story).toEqual(["signed", "place", "signed", "place given back"]);
  });
});
