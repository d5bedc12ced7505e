"""The receivers that the seed systems document in Python, on the standard library: one path each.

Usage: seed-receivers.py PORT SECRET. Answers 200 to what verifies and 401 to what does not.
"""
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, SECRET = int(sys.argv[1]), sys.argv[2]


def verify_myop(headers, raw_body):
    signature = headers.get("X-Myop-Signature", "")
    expected = "sha256=" + hmac.new(SECRET.encode(), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, expected)


def verify_znyx(headers, raw_body):
    expected = hmac.new(SECRET.encode(), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={expected}", headers.get("X-Webhook-Signature", ""))


def verify_mutx(headers, payload):
    signature = headers.get("X-Webhook-Signature")
    if not signature:
        return False
    expected = f"sha256={hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()}"
    return hmac.compare_digest(signature, expected)


def verify_nextmv(headers, body):
    signature_header = headers.get("nextmv-signature")
    if signature_header is None:
        return False
    timestamp, signature = signature_header.split(",")
    seconds = int(timestamp.split("=")[1])
    if not (time.time() - 300 < seconds < time.time() + 60):
        return False
    computed = hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(computed, signature.split("=")[1])


VERIFIERS = {"/myop": verify_myop, "/znyx": verify_znyx, "/mutx": verify_mutx, "/nextmv": verify_nextmv}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        verified = VERIFIERS[self.path](self.headers, body)
        answer = json.dumps({"verified": verified}).encode()
        self.send_response(200 if verified else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
