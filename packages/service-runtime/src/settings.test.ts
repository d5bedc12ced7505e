import { describe, expect, expectTypeOf, it } from "vitest";
import { runtimeSettings } from "./runtime-settings.ts";
import {
  flag,
  integer,
  list,
  oneOf,
  optionalSecret,
  optionalText,
  optionalUrl,
  port,
  ratio,
  secret,
  secretBytes,
  text,
  urlList,
  urlText,
} from "./setting-kinds.ts";
import { describeSettings, readSettings, SettingsError, type SettingsSpec } from "./settings.ts";

const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");

const spec = {
  apiPort: port("API_PORT", 8080),
  window: integer("WINDOW", { default: 256, min: 1, max: 1_024 }),
  name: text("NAME", { default: "posthorn" }),
  nickname: optionalText("NICKNAME"),
  adminKey: secret("ADMIN_KEY"),
  spareKey: optionalSecret("SPARE_KEY"),
  masterKey: secretBytes("MASTER_KEY", { bytes: 32 }),
  allowHttp: flag("ALLOW_HTTP", false),
  resolvers: list("RESOLVERS", []),
  mode: oneOf("MODE", ["fast", "safe"], "safe"),
  database: urlText("DATABASE", { protocols: ["postgres", "postgresql"] }),
  servers: urlList("SERVERS", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
};

const required = { ADMIN_KEY: "root", MASTER_KEY, DATABASE: "postgres://me:hush@db/posthorn" };

function refusalOf(env: Record<string, string>, wrong: SettingsSpec): string {
  try {
    readSettings(env, wrong);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return "accepted";
}

describe("readSettings", () => {
  it("returns the defaults of what is not set, typed and frozen", () => {
    const values = readSettings(required, spec);
    expect(values).toEqual({
      apiPort: 8080,
      window: 256,
      name: "posthorn",
      nickname: undefined,
      adminKey: "root",
      spareKey: undefined,
      masterKey: Buffer.alloc(32, 7),
      allowHttp: false,
      resolvers: [],
      mode: "safe",
      database: "postgres://me:hush@db/posthorn",
      servers: ["nats://127.0.0.1:4222"],
    });
    expect(Object.isFrozen(values)).toBe(true);
    expectTypeOf(values.apiPort).toEqualTypeOf<number>();
    expectTypeOf(values.nickname).toEqualTypeOf<string | undefined>();
    expectTypeOf(values.masterKey).toEqualTypeOf<Buffer>();
    expectTypeOf(values.mode).toEqualTypeOf<"fast" | "safe">();
    expectTypeOf(values.servers).toEqualTypeOf<readonly string[]>();
  });

  it("reads what is set", () => {
    const env = { API_PORT: "0", WINDOW: "1024", ALLOW_HTTP: "1", RESOLVERS: "10.0.0.1, 10.0.0.2", MODE: "fast" };
    const more = { NICKNAME: "horn", SPARE_KEY: "s", SERVERS: "nats://a:1,tls://b:2" };
    expect(readSettings({ ...required, ...env, ...more }, spec)).toMatchObject({
      apiPort: 0,
      window: 1024,
      nickname: "horn",
      spareKey: "s",
      allowHttp: true,
      resolvers: ["10.0.0.1", "10.0.0.2"],
      mode: "fast",
      servers: ["nats://a:1", "tls://b:2"],
    });
  });

  it("takes an empty value for one that is not set", () => {
    expect(readSettings({ ...required, API_PORT: "" }, spec).apiPort).toBe(8080);
    expect(refusalOf({ ...required, ADMIN_KEY: "" }, spec)).toBe("ADMIN_KEY is not set; it must be a secret text.");
  });

  it("collects every problem, one sentence each", () => {
    expect(refusalOf({ API_PORT: "80a", MODE: "quick", MASTER_KEY: "short" }, spec).split("\n")).toEqual([
      'API_PORT is "80a"; it must be a whole number from 0 to 65535.',
      "ADMIN_KEY is not set; it must be a secret text.",
      "MASTER_KEY is *** (5 characters, not shown); it must be 32 bytes in base64.",
      'MODE is "quick"; it must be one of fast, safe.',
      "DATABASE is not set; it must be a URL starting with postgres:// or postgresql://.",
    ]);
  });

  it.each(["-1", "65536", "1e3", "0x50", " 80", "80.0", "99999999999999999999"])("refuses %j as a port", (given) => {
    expect(refusalOf({ PORT: given }, { port: port("PORT", 1) })).toContain(`PORT is ${JSON.stringify(given)}`);
  });

  it("takes a ratio from 0 to 1 and no other number", () => {
    const share = { share: ratio("SHARE", 1) };
    for (const given of ["0", "1", "0.05", "1.0"]) {
      expect(readSettings({ SHARE: given }, share).share).toBe(Number(given));
    }
    for (const given of ["1.01", "2", "-0.5", "0.5x", ".5"]) {
      expect(refusalOf({ SHARE: given }, share)).toContain("it must be a number from 0 to 1.");
    }
  });

  it.each(["yes", "TRUE", "on", "2"])("refuses %j as a flag", (given) => {
    expect(refusalOf({ FLAG: given }, { flag: flag("FLAG", true) })).toContain("true, false, 1 or 0");
  });

  it.each([
    ["31 bytes", Buffer.alloc(31).toString("base64")],
    ["no padding", MASTER_KEY.replace("=", "")],
    ["other characters in between", `!${MASTER_KEY}`],
    ["the URL alphabet", Buffer.alloc(32, 0xff).toString("base64url")],
  ])("refuses secret bytes with %s", (_what, given) => {
    const refused = refusalOf({ KEY: given }, { key: secretBytes("KEY", { bytes: 32 }) });
    expect(refused).toContain("32 bytes in base64");
    expect(refused).not.toContain(given);
  });

  it("says what every item of a list must be", () => {
    const item = { allowed: "an even digit", accepts: (text: string) => /^[02468]$/.test(text) };
    const digits = { digits: list("DIGITS", [], item) };
    expect(readSettings({ DIGITS: "2, 4" }, digits).digits).toEqual(["2", "4"]);
    const refused = 'DIGITS is "2,3"; it must be a comma-separated list, each an even digit.';
    expect(refusalOf({ DIGITS: "2,3" }, digits)).toBe(refused);
    expect(refusalOf({ DIGITS: "2," }, digits)).toContain("DIGITS");
  });

  it.each([
    "postgres://me:hush@db:port/posthorn",
    "postgres://me:hu/sh@db:port/posthorn",
    "postgres//me:hush@db",
    "me:hush@db",
    "http://db/?password=hush",
  ])("does not print the password in the refused URL %s", (given) => {
    const refused = refusalOf({ DATABASE: given }, { database: urlText("DATABASE", { protocols: ["postgres"] }) });
    expect(refused).toContain("a URL starting with postgres://");
    expect(refused).not.toMatch(/hu|sh@/);
  });

  it("takes an optional URL, but not any text for one", () => {
    const collector = { collector: optionalUrl("COLLECTOR", { protocols: ["http"] }) };
    expect(readSettings({}, collector)).toEqual({ collector: undefined });
    expect(readSettings({ COLLECTOR: "http://c:4318" }, collector)).toEqual({ collector: "http://c:4318" });
    expect(refusalOf({ COLLECTOR: "c:4318" }, collector)).toBe(
      'COLLECTOR is "c:4318"; it must be a URL starting with http://.',
    );
  });

  it("refuses a list of URLs with one that is none", () => {
    const servers = { servers: urlList("SERVERS", { protocols: ["nats"] }) };
    expect(refusalOf({ SERVERS: "nats://a:1,b:2" }, servers)).toContain("a comma-separated list of URLs");
    expect(refusalOf({}, servers)).toContain("SERVERS is not set");
  });
});

describe("describeSettings", () => {
  it("shows effective values by variable name and masks secrets", () => {
    const env = { ...required, SERVERS: "nats://u:hush@a:1,nats://b:2", SPARE_KEY: "hush" };
    expect(describeSettings(spec, readSettings(env, spec))).toEqual({
      API_PORT: 8080,
      WINDOW: 256,
      NAME: "posthorn",
      NICKNAME: null,
      ADMIN_KEY: "***",
      SPARE_KEY: "***",
      MASTER_KEY: "***",
      ALLOW_HTTP: false,
      RESOLVERS: [],
      MODE: "safe",
      DATABASE: "postgres://***@db/posthorn",
      SERVERS: ["nats://***@a:1", "nats://b:2"],
    });
  });

  it("masks all of a URL's user name, password and query", () => {
    const url = { url: urlText("URL") };
    const shownOf = (given: string) => describeSettings(url, readSettings({ URL: given }, url)).URL;
    expect(shownOf("nats://a,b:p@ss@host:4222/x@y")).toBe("nats://***@host:4222/x@y");
    expect(shownOf("postgres://db/posthorn?password=p")).toBe("postgres://db/posthorn?***");
  });
});

describe("runtimeSettings", () => {
  it("names the port after the service and binds to loopback on any free port", () => {
    expect(readSettings({}, runtimeSettings("key-keeper"))).toEqual({
      httpPort: 0,
      host: "127.0.0.1",
      logLevel: "info",
      leash: "none",
    });
    const env = { POSTHORN_KEY_KEEPER_PORT: "9000", POSTHORN_LEASH: "stdin", POSTHORN_LOG_LEVEL: "debug" };
    expect(readSettings(env, runtimeSettings("key-keeper"))).toMatchObject({ httpPort: 9000, leash: "stdin" });
  });

  it("takes the service's own default port", () => {
    expect(readSettings({}, runtimeSettings("api", { httpPort: 8080 })).httpPort).toBe(8080);
  });
});
