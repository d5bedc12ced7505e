/** The contracts: generated protobuf code for services, and codecs between the wire and the domain. */

export { decodeConfigValue, decodeSentinel, encodeConfigValue, encodeSentinel } from "./codecs/config-codec.ts";
export { asBuffer, decodeEventGroup, encodedEventBytes, encodeEventGroup } from "./codecs/event-codec.ts";
export {
  decodeLogEvents,
  decodeLogEventsNaming,
  decodeLogFacts,
  encodedLogEventBytes,
  encodeLogEvents,
  eventFactsFromWire,
  eventFactsToWire,
  logEventFromWire,
  logEventToWire,
} from "./codecs/log-codec.ts";
export type { Decoded } from "./codecs/wire.ts";
export {
  decodeWork,
  decodeWorkItem,
  encodeWorkBundle,
  encodeWorkItem,
  workItemFromWire,
  workItemToWire,
} from "./codecs/work-item-codec.ts";
export type { SendTestRequest, SendTestResponse } from "./gen/posthorn/delivery/v1/dispatch_service.ts";
export {
  DispatchServiceClient,
  type DispatchServiceServer,
  DispatchServiceService,
} from "./gen/posthorn/delivery/v1/dispatch_service.ts";
export type {
  NewEvent,
  PublishBatchRequest,
  PublishBatchResponse,
  PublishRequest,
  PublishResponse,
  PublishResult,
  PublishStreamRequest,
  PublishStreamResponse,
} from "./gen/posthorn/ingest/v1/ingest_service.ts";
export {
  IngestServiceClient,
  type IngestServiceServer,
  IngestServiceService,
} from "./gen/posthorn/ingest/v1/ingest_service.ts";
export type { AttemptRef, OutcomesRequest, OutcomesResponse } from "./gen/posthorn/projection/v1/projection_service.ts";
export {
  ProjectionServiceClient,
  type ProjectionServiceServer,
  ProjectionServiceService,
} from "./gen/posthorn/projection/v1/projection_service.ts";
export type {
  RevealSecretRequest,
  RevealSecretResponse,
  SealSecretRequest,
  SealSecretResponse,
  SignatureHeader,
  SignItem,
  SignResult,
  SignStreamRequest,
  SignStreamResponse,
} from "./gen/posthorn/signing/v1/signing_service.ts";
export {
  SigningServiceClient,
  type SigningServiceServer,
  SigningServiceService,
} from "./gen/posthorn/signing/v1/signing_service.ts";
