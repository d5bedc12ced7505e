/** Real servers, seeded randomness and receivers for tests. */

export { type KeptDatabase, keepDatabase } from "./kept-database.ts";
export { type KeptStream, keepStream } from "./kept-stream.ts";
export { createTestFolder, trackOpen } from "./leak-guard.ts";
export { type CollectedSpan, type OtlpCollector, startOtlpCollector } from "./otlp-collector.ts";
export { testRolePasswords } from "./prepare-template.ts";
export type { SharedServers } from "./provided-context.ts";
export { type Receiver, type ReceiverOptions, startReceiver } from "./receiver.ts";
export type { ReceiverAnswer, ReceiverScript, ReceiverStep, RecordedRequest } from "./receiver-script.ts";
export { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
export { backendFromEnvironment } from "./test-backend.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
export { startTestNats, type TestNats } from "./test-nats.ts";
export { startTestNatsCluster, type TestNatsCluster } from "./test-nats-cluster.ts";
export { type WaitOptions, waitUntil } from "./wait-until.ts";
