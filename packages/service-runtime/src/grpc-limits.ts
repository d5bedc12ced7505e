/** The limits that both ends of a gRPC connection must share, and how often they look whether the other still lives. */
import type { ChannelOptions } from "@grpc/grpc-js";

/** One message; the largest is a batch of events or of bodies to sign. */
const MESSAGE_BYTES_MAX = 8 * 1_024 * 1_024;
/** A peer that vanished without a word is noticed after the sum of the two. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_ANSWER_MS_MAX = 5_000;

export const GRPC_CHANNEL_LIMITS: ChannelOptions = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  "grpc.keepalive_time_ms": KEEPALIVE_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_ANSWER_MS_MAX,
};
