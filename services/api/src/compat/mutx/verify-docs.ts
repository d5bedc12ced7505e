/** How a receiver verifies MUTX's signature, as its route tells it. */

export const VERIFY_DOCS = {
  algorithm: "HMAC-SHA256",
  header: "X-Webhook-Signature",
  format: "sha256=<hex digest>",
  verification_steps: [
    "Take the raw bytes of the request's body, before they are parsed.",
    "Compute the HMAC-SHA256 of these bytes with the webhook's secret as the key, in UTF-8.",
    "Write the digest in lower-case hex behind 'sha256='.",
    "Compare it with the header X-Webhook-Signature in constant time; refuse the request when they differ.",
  ],
  example_nodejs: [
    "const crypto = require('crypto');",
    "function verify(rawBody, header, secret) {",
    "  const expected = 'sha256=' + crypto.createHmac('sha256', secret).update(rawBody).digest('hex');",
    "  const [given, wanted] = [Buffer.from(header ?? ''), Buffer.from(expected)];",
    "  return given.length === wanted.length && crypto.timingSafeEqual(given, wanted);",
    "}",
  ].join("\n"),
};
