/**
 * Filters as matching needs them: each text compiled once, however many webhooks have it, and the data of an event read
 * once, however many filters look at it, and not at all when none does.
 */

import type { EvaluateFilter } from "@posthorn/domain";
import { compileFilter, type FilterCompilation } from "./compile-filter.ts";
import { type FilterSubjectResult, readFilterSubject } from "./filter-subject.ts";
import { COMPILED_FILTERS_MAX } from "./limits.ts";

export class EventFilters {
  readonly #compiled = new Map<string, FilterCompilation>();

  /** @param data JSON text in UTF-8, as published. */
  evaluatorOf({ type, data }: { readonly type: string; readonly data: Uint8Array }): EvaluateFilter {
    let read: FilterSubjectResult | undefined;
    return (source) => {
      const compilation = this.#compilationOf(source);
      if (compilation.kind === "refused") return { kind: "error", message: compilation.message };
      read ??= readFilterSubject(type, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString());
      if (read.kind === "unreadable") return { kind: "error", message: read.message };
      return compilation.filter.evaluate(read.subject);
    };
  }

  #compilationOf(source: string): FilterCompilation {
    const known = this.#compiled.get(source);
    if (known !== undefined) return known;
    const [oldest] = this.#compiled.keys();
    if (oldest !== undefined && this.#compiled.size >= COMPILED_FILTERS_MAX) this.#compiled.delete(oldest);
    const compilation = compileFilter(source);
    this.#compiled.set(source, compilation);
    return compilation;
  }
}
