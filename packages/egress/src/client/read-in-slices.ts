/**
 * Bounds what undici's parser gets at once. It works through what one read gives it to the end, also when it has refused
 * the answer at its first byte, and makes an error of every header beyond the limit: a receiver that sends 64 KiB of
 * tiny headers would cost 17 ms of this process's time per request, or 62 ms by trailers.
 */

import type { Readable } from "node:stream";

/** As much as an answer with few headers, and 1 ms of such errors at most. */
const SLICE_BYTES = 512;

/** From now on `socket.read()` gives a slice at most, and nothing at all once `isOver` says so. */
export function readInSlices(socket: Readable, isOver: () => boolean): void {
  const read = socket.read.bind(socket);
  socket.read = () => {
    if (socket.destroyed || isOver()) return null;
    // With nothing there the call itself asks for more, or notices the end.
    return socket.readableLength > SLICE_BYTES ? read(SLICE_BYTES) : read();
  };
}
