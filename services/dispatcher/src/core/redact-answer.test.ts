import { describe, expect, it } from "vitest";
import { queryValuesOf, redactAnswer } from "./redact-answer.ts";

const SECRET = "canary-0123456789";

describe("redactAnswer", () => {
  it("takes a secret out of the headers and the body of an answer, as often as it stands there", () => {
    const answer = answerOf(`{"you":"${SECRET}","sent":"${SECRET}"}`, [["x-echo", `a ${SECRET} b`]]);
    expect(redacted(answer, [SECRET])).toEqual({
      headers: [["x-echo", "a *** b"]],
      body: '{"you":"***","sent":"***"}',
    });
  });

  it("takes out the credentials also where the scheme is not repeated", () => {
    expect(redacted(answerOf(`token=${SECRET}`), [`Bearer ${SECRET}`]).body).toBe("token=***");
    expect(redacted(answerOf(`Bearer ${SECRET}`), [`Bearer ${SECRET}`]).body).toBe("***");
  });

  it("takes out the longer of two secrets first, so that nothing of it stays", () => {
    expect(redacted(answerOf(`${SECRET}-and-more`), [SECRET, `${SECRET}-and-more`]).body).toBe("***");
  });

  it("takes out what the end of a shortened body holds of a secret, but for a few characters", () => {
    expect(redacted(answerOf(`you sent ${SECRET.slice(0, -1)}`), [SECRET]).body).toBe("you sent ***");
    expect(redacted(answerOf(`you sent ${SECRET.slice(0, 8)}`), [SECRET]).body).toBe("you sent ***");
    expect(redacted(answerOf(`you sent ${SECRET.slice(0, 7)}`), [SECRET]).body).toBe("you sent canary-");
  });

  it("leaves short values alone, which stand in answers by themselves", () => {
    const answer = answerOf('{"ok":true}', [["x-ok", "true"]]);
    expect(redactAnswer(answer, ["true", "7charss", ""])).toBe(answer);
  });

  it("changes no byte of what holds no secret, text or not", () => {
    const answer = { ...answerOf(""), body: Buffer.from([0, 255, 254, 10, 128]) };
    expect(redactAnswer(answer, [SECRET]).body).toBe(answer.body);
  });

  it("finds a secret of Latin-1 characters as the wire has it", () => {
    const secret = "geheim-schlüssel";
    const body = Buffer.from(`x${secret}x`, "latin1");
    expect(redactAnswer({ ...answerOf(""), body }, [secret]).body).toEqual(Buffer.from("x***x"));
  });
});

describe("queryValuesOf", () => {
  it.each([
    ["https://a.example/hook", []],
    ["https://a.example/?t=abc&u=&abc", ["abc", ""]],
    ["https://a.example/?t=a%2Fb+c=d", ["a%2Fb+c=d", "a/b c=d"]],
    ["https://a.example/?t=%ff", ["%ff"]],
  ])("finds the values of %s, as they are sent and as they are read", (url, values) => {
    expect(queryValuesOf(url)).toEqual(values);
  });

  it("hides what a receiver repeats of its URL", () => {
    const answer = answerOf(`you called /hook?t=${SECRET}`, [["x-path", `/hook?t=${SECRET}`]]);
    const values = queryValuesOf(`https://a.example/hook?t=${SECRET}`);
    expect(redacted(answer, values)).toEqual({ headers: [["x-path", "/hook?t=***"]], body: "you called /hook?t=***" });
  });
});

function answerOf(body: string, headers: readonly (readonly [string, string])[] = []) {
  return { headers, body: Buffer.from(body) };
}

function redacted(answer: ReturnType<typeof answerOf>, secrets: readonly string[]) {
  const { headers, body } = redactAnswer(answer, secrets);
  return { headers, body: body.toString() };
}
