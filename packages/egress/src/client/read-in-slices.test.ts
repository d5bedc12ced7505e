import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { readInSlices } from "./read-in-slices.ts";

function sizes(stream: PassThrough): number[] {
  const read: number[] = [];
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) read.push(chunk.length);
  return read;
}

describe("a stream that is read in slices", () => {
  it("gives what is there a slice at a time, all of it and in order", () => {
    const stream = new PassThrough();
    readInSlices(stream, () => false);
    stream.write(Buffer.alloc(1_200, "a"));
    stream.write("end");
    expect(sizes(stream)).toEqual([512, 512, 179]);
    stream.write("more");
    expect(stream.read().toString()).toBe("more");
  });

  it("gives nothing once it is over, in the middle of what is there too", () => {
    let isOver = false;
    const stream = new PassThrough();
    readInSlices(stream, () => isOver);
    stream.write(Buffer.alloc(1_200));
    expect(stream.read()).toHaveLength(512);
    isOver = true;
    expect(stream.read()).toBeNull();
  });

  it("gives nothing once it is destroyed, and its end when there is one", async () => {
    const ending = new PassThrough();
    readInSlices(ending, () => false);
    const ended = new Promise((resolve) => ending.on("end", resolve));
    ending.on("readable", () => sizes(ending));
    ending.end(Buffer.alloc(600));
    await ended;
    ending.destroy();
    expect(ending.read()).toBeNull();
  });
});
