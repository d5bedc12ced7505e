/** A client of the mounts, which holds every success against its route's own schema. For tests only. */

import { expect } from "vitest";
import type { z } from "zod";
import type { CallOptions } from "../api.fixture.ts";
import type { Route } from "../schemas/route.ts";

export type MountAnswer<R extends Route> = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a success, as its schema has it; asking for it after a refusal fails. */
  body(): R["success"]["body"] extends z.ZodType ? z.output<R["success"]["body"]> : undefined;
  /** Of a refusal, as it came; asking for it after a success fails. */
  refusal(): unknown;
};

export type MountOptions = CallOptions & { readonly key: string | null };

export type MountCall = <R extends Route>(route: R, options: MountOptions) => Promise<MountAnswer<R>>;

export function mountClientOf(url: string): MountCall {
  return async <R extends Route>(route: R, options: MountOptions) => {
    const bytes = options.bytes ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(url + pathOf(route, options), {
      method: route.method,
      headers: {
        ...(bytes === undefined ? {} : { "content-type": "application/json" }),
        ...(options.key === null ? {} : { authorization: `Bearer ${options.key}` }),
        ...options.headers,
      },
      ...(bytes === undefined ? {} : { body: bytes }),
    });
    const { status, headers } = response;
    const text = await response.text();
    return {
      status,
      headers,
      text,
      body: () => successBody(route, status, text) as ReturnType<MountAnswer<R>["body"]>, // by the route's own schema
      refusal: () => {
        expect(status, text).toBeGreaterThanOrEqual(400);
        expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
        return JSON.parse(text) as unknown;
      },
    };
  };
}

function successBody(route: Route, status: number, text: string): unknown {
  expect(status, text).toBe(route.success.status);
  if (route.success.body !== undefined) return route.success.body.parse(JSON.parse(text));
  expect(text).toBe("");
  return undefined;
}

function pathOf(route: Route, { path = {}, query = {} }: CallOptions): string {
  const filled = route.path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(path[name] ?? ""));
  const search = new URLSearchParams(query).toString();
  return search === "" ? filled : `${filled}?${search}`;
}
