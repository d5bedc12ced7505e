import { describe, expect, it } from "vitest";
import { parseCidrList } from "../address/cidr.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { parseTargetUrl, type UrlRefusalCode } from "./target-url.ts";

const STRICT: EgressPolicy = { allowHttp: false, allowedTargets: [] };
const HTTP: EgressPolicy = { allowHttp: true, allowedTargets: [] };
const LOCAL: EgressPolicy = { allowHttp: true, allowedTargets: allowed("127.0.0.0/8,::1/128") };

function allowed(list: string): EgressPolicy["allowedTargets"] {
  const parsed = parseCidrList(list);
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return parsed.cidrs;
}

function verdict(text: string, policy: EgressPolicy): UrlRefusalCode | "ok" {
  const parsed = parseTargetUrl(text, policy);
  return parsed.kind === "ok" ? "ok" : parsed.code;
}

const REFUSED: readonly (readonly [text: string, code: UrlRefusalCode])[] = [
  // what is no http(s) URL
  ["", "scheme"],
  ["example.com", "scheme"],
  ["//example.com/", "scheme"],
  ["https:example.com", "scheme"],
  ["https:/example.com", "scheme"],
  ["https:///example.com", "scheme"],
  ["https://", "scheme"],
  ["https://?x", "scheme"],
  ["ftp://example.com/", "scheme"],
  ["file:///etc/passwd", "scheme"],
  ["gopher://example.com/_x", "scheme"],
  ["javascript:alert(1)", "scheme"],
  ["data:text/plain,x", "scheme"],
  ["ws://example.com/", "scheme"],
  ["unix:/var/run/docker.sock", "scheme"],
  ["httpsx://example.com/", "scheme"],
  ["https://exa<mple.com/", "malformed"],
  ["https://example.com:65536/", "malformed"],
  ["https://example.com:-1/", "malformed"],
  ["https://example.com:8o/", "malformed"],
  ["https://[::1/", "malformed"],
  ["https://[fe80::1%25eth0]/", "malformed"],
  ["https://1.2.3.4.5/", "malformed"],
  ["https://256.256.256.256/", "malformed"],
  ["https://example.1/", "malformed"],
  // what a parser would repair in silence
  [" https://example.com/", "characters"],
  ["https://example.com/ ", "characters"],
  ["https://example.com/a b", "characters"],
  ["https://example.com/\u00a0", "characters"],
  ["https://exam\tple.com/", "characters"],
  ["https://example.com/\r\nX-Evil: 1", "characters"],
  ["https://example.com/\u0000", "characters"],
  ["https://example.com/\u007f", "characters"],
  ["https://example.com/\u0085", "characters"],
  ["https://example.com/\u2028", "characters"],
  ["https:\\\\example.com\\", "characters"],
  ["https://example.com\\@127.0.0.1/", "characters"],
  // who hides behind an @
  ["https://user@example.com/", "userinfo"],
  ["https://user:secret@example.com/", "userinfo"],
  ["https://@example.com/", "userinfo"],
  ["https://example.com@127.0.0.1/", "userinfo"],
  ["https://example.com:443@127.0.0.1/", "userinfo"],
  // fragments, ports, labels
  ["https://example.com/#", "fragment"],
  ["https://example.com/?a=1#b", "fragment"],
  ["https://example.com#@127.0.0.1/", "fragment"],
  ["https://example.com:0/", "port"],
  ["https://example.com:00/", "port"],
  ["https://a..example.com/", "malformed"],
  ["https://.example.com/", "malformed"],
  ["https://example.com../", "malformed"],
  ["https://./", "malformed"],
  [`https://${"a".repeat(64)}.com/`, "malformed"],
  [`https://${"a.".repeat(126)}com/`, "malformed"],
  [`https://example.com/${"a".repeat(2_029)}`, "too_long"],
  [`https://example.com/${"ü".repeat(400)}`, "too_long"],
  [`https://example.com/?${"ü".repeat(400)}`, "too_long"],
  // IPv4 literals in every notation
  ["https://127.0.0.1/", "not_public"],
  ["https://127.1/", "not_public"],
  ["https://127.0.0.1./", "not_public"],
  ["https://2130706433/", "not_public"],
  ["https://017700000001/", "not_public"],
  ["https://0177.0.0.01/", "not_public"],
  ["https://0x7f000001/", "not_public"],
  ["https://0x7f.0x0.0x0.0x1/", "not_public"],
  ["https://0x7F.1/", "not_public"],
  ["https://１２７.0.0.1/", "not_public"],
  ["https://①②⑦.0.0.1/", "not_public"],
  ["https://127。0。0。1/", "not_public"],
  ["https://%31%32%37.0.0.1/", "not_public"],
  ["https://0/", "not_public"],
  ["https://0.0.0.0/", "not_public"],
  ["https://10.0.0.1/", "not_public"],
  ["https://172.16.5.4/", "not_public"],
  ["https://192.168.1.1:8443/", "not_public"],
  ["https://100.100.100.200/", "not_public"],
  ["https://169.254.169.254/latest/meta-data/", "not_public"],
  ["https://0xa9fea9fe/", "not_public"],
  ["https://2852039166/", "not_public"],
  ["https://168.63.129.16/", "not_public"],
  ["https://192.0.0.192/", "not_public"],
  ["https://224.0.0.1/", "not_public"],
  ["https://255.255.255.255/", "not_public"],
  // IPv6 literals
  ["https://[::]/", "not_public"],
  ["https://[::1]/", "not_public"],
  ["https://[0:0:0:0:0:0:0:1]/", "not_public"],
  ["https://[::ffff:127.0.0.1]/", "not_public"],
  ["https://[::ffff:7f00:1]/", "not_public"],
  ["https://[::ffff:a9fe:a9fe]/", "not_public"],
  ["https://[::127.0.0.1]/", "not_public"],
  ["https://[64:ff9b::7f00:1]/", "not_public"],
  ["https://[64:ff9b::a9fe:a9fe]/", "not_public"],
  ["https://[2002:7f00:1::]/", "not_public"],
  ["https://[2001:0:53aa:64c::1]/", "not_public"],
  ["https://[fd00:ec2::254]/", "not_public"],
  ["https://[fe80::1]/", "not_public"],
  ["https://[fec0::1]/", "not_public"],
  ["https://[ff02::1]/", "not_public"],
  ["https://[2001:db8::1]/", "not_public"],
  // names that mean something inside only
  ["https://localhost/", "not_public"],
  ["https://LOCALHOST./", "not_public"],
  ["https://loc\u00adalhost/", "not_public"],
  ["https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "not_public"],
  ["https://localhost%2e/", "not_public"],
  ["https://a.localhost/", "not_public"],
  ["https://localhost.localdomain/", "not_public"],
  ["https://metadata/", "not_public"],
  ["https://metadata.google.internal/computeMetadata/v1/", "not_public"],
  ["https://METADATA.GOOGLE.INTERNAL./", "not_public"],
  ["https://postgres/", "not_public"],
  ["https://printer.local/", "not_public"],
  ["https://router.lan/", "not_public"],
  ["https://nas.home.arpa/", "not_public"],
  ["https://wiki.corp/", "not_public"],
  ["https://api.default.svc/", "not_public"],
  ["https://kubernetes.default.svc.cluster.local/", "not_public"],
  ["https://ip-10-0-0-1.ec2.internal/", "not_public"],
];

const ACCEPTED = [
  "https://example.com/",
  "https://example.com",
  "HTTPS://EXAMPLE.COM/Hook",
  "https://example.com./hook",
  "https://example.com:8443/hook",
  "https://example.com:/hook",
  "https://1.1.1.1/hook",
  "https://[2606:4700:4700::1111]:8443/hook",
  "https://[::ffff:8.8.8.8]/hook",
  "https://münchen.example/hook",
  "https://a_b.example.com/hook",
  "https://localhost.example.com/hook",
  "https://internal.example.com/hook",
  "https://nowhere.invalid/hook",
  "https://example.com/@user",
  "https://example.com/?next=//127.0.0.1",
  `https://example.com/${"a".repeat(2_028)}`,
];

describe("the URL of a webhook", () => {
  it.each(REFUSED)("%j is refused: %s", (text, code) => expect(verdict(text, STRICT)).toBe(code));
  it.each(ACCEPTED)("%j is accepted", (text) => expect(verdict(text, STRICT)).toBe("ok"));

  it("gives the same answer for every internal target", () => {
    const answers = REFUSED.filter(([, code]) => code === "not_public").map(([text]) => parseTargetUrl(text, STRICT));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it("may be http only where the operator allows it", () => {
    expect(verdict("http://example.com/", STRICT)).toBe("scheme");
    expect(verdict("HTTP://example.com/", STRICT)).toBe("scheme");
    expect(verdict("http://example.com/", HTTP)).toBe("ok");
    expect(verdict("ftp://example.com/", HTTP)).toBe("scheme");
  });

  it.each([
    ["http://127.0.0.1:3000/", "ok"],
    ["http://127.8.9.10/", "ok"],
    ["http://[::ffff:127.0.0.1]/", "ok"],
    ["http://[::1]:3000/", "ok"],
    ["http://10.0.0.1/", "not_public"],
    ["http://169.254.169.254/", "not_public"],
    ["http://[::127.0.0.1]/", "not_public"],
    ["http://[64:ff9b::7f00:1]/", "not_public"],
    // decided by what they resolve to
    ["http://localhost:3000/", "ok"],
    ["http://metadata.google.internal/", "ok"],
  ])("with loopback allowed, %s is %s", (text, code) => expect(verdict(text, LOCAL)).toBe(code));
});

describe("a parsed URL", () => {
  it.each([
    ["https://Example.COM:443/a/../b?x=1", "https://example.com/b?x=1", "/b?x=1"],
    ["https://example.com", "https://example.com/", "/"],
    ["https://example.com?", "https://example.com/?", "/?"],
    ["https://example.com/?t='a'&u=\"<>\"|%7e%", "https://example.com/?t='a'&u=\"<>\"|%7e%", "/?t='a'&u=\"<>\"|%7e%"],
    ["https://example.com/ü?q=ü", "https://example.com/%C3%BC?q=%C3%BC", "/%C3%BC?q=%C3%BC"],
    ["https://example.com/?q=\ud800", "https://example.com/?q=%EF%BF%BD", "/?q=%EF%BF%BD"],
    ["https://example.com/?a?b=/..", "https://example.com/?a?b=/..", "/?a?b=/.."],
  ])("keeps the query of %j", (text, href, path) => {
    const parsed = parseTargetUrl(text, STRICT);
    expect(parsed).toMatchObject({
      kind: "ok",
      url: { href, path, origin: "https://example.com", isTls: true, port: 443 },
    });
  });

  it.each(ACCEPTED)("parses to itself again: %j", (text) => {
    const first = parseTargetUrl(text, STRICT);
    if (first.kind === "refused") throw new Error(first.message);
    expect(parseTargetUrl(first.url.href, STRICT)).toEqual(first);
  });

  it.each([
    ["http://example.com./", { kind: "name", name: "example.com", isPublicName: true }, 80],
    ["http://localhost:8080/", { kind: "name", name: "localhost", isPublicName: false }, 8080],
    ["http://0x7f.1:81/", { kind: "address", address: "127.0.0.1" }, 81],
    ["http://[::1]/", { kind: "address", address: "::1" }, 80],
  ])("names the host and port of %s", (text, host, port) => {
    expect(parseTargetUrl(text, LOCAL)).toMatchObject({ url: { host, port, isTls: false } });
  });
});
