/** Puts the signer together: the master key, the rings of what it opened, and a gRPC server. No storage, no NATS. */

import { randomBytes } from "node:crypto";
import { SigningServiceService } from "@posthorn/contracts";
import { type Shell, startGrpcServer, unaryHandler } from "@posthorn/service-runtime";
import type { SignerConfig } from "./config.ts";
import { ExtraHeaderRing } from "./core/extra-header-ring.ts";
import { masterKeyOf, NONCE_BYTES } from "./core/sealing.ts";
import { SigningKeyRing } from "./core/signing-key-ring.ts";
import { createSignerEvents } from "./events.ts";
import { revealSecret } from "./handlers/reveal-secret.ts";
import { sealSecret } from "./handlers/seal-secret.ts";
import { createSignStreams } from "./handlers/sign-stream.ts";

export type Signer = AsyncDisposable & {
  /** The port in use, also when any free one was asked for. */
  readonly grpcPort: number;
};

/** Some 30 MB; a webhook whose secret is not remembered costs one decryption more. */
const SECRETS_REMEMBERED_MAX = 10_000;
/** Of sealed tokens and headers; what was in them takes about twice as much. */
const HEADER_BYTES_REMEMBERED_MAX = 32 * 1024 * 1024;

export async function startSigner(config: SignerConfig, shell: Shell): Promise<Signer> {
  const { log, health } = shell;
  const masterKey = masterKeyOf(config.masterKey);
  const events = createSignerEvents(shell);
  const rings = {
    keys: new SigningKeyRing({ masterKey, secretsMax: SECRETS_REMEMBERED_MAX }),
    extraHeaders: new ExtraHeaderRing({ masterKey, bytesMax: HEADER_BYTES_REMEMBERED_MAX }),
  };
  const sealing = { masterKey, events, newNonce: () => randomBytes(NONCE_BYTES) };
  const streams = createSignStreams({ rings, events });

  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await startGrpcServer({
      host: config.host,
      port: config.grpcPort,
      services: [
        {
          definition: SigningServiceService,
          implementation: {
            signStream: streams.handle,
            sealSecret: unaryHandler(log, async (request) => sealSecret(request, sealing)),
            revealSecret: unaryHandler(log, async (request) => revealSecret(request, { masterKey, events })),
          },
        },
      ],
      health,
      log,
    }),
  );
  // Disposed before the server, which would otherwise wait for streams that never end by themselves.
  stack.use(streams);
  log.info({ grpc_port: server.port, master_key_id: masterKey.id.toString("hex") }, "signing");
  const owned = stack.move();
  return { grpcPort: server.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
