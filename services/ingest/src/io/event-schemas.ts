/**
 * The schemas of event types, each compiled when the first event of its type comes.
 * Failure policy: a schema that cannot be compiled here, although the api took it, is told to the operator and demands
 * nothing. Its publishers could not mend it.
 */

import { compileEventSchema, type EventSchemaCompilation, type SchemaProblem } from "@posthorn/event-schema";

/** Compiled schemas that are remembered; a large one takes 200 KB. */
const COMPILED_MAX = 500;

export class EventSchemas {
  readonly #compiled = new Map<string, EventSchemaCompilation>();
  readonly #onUnusable: (reason: string) => void;

  constructor(onUnusable: (reason: string) => void) {
    this.#onUnusable = onUnusable;
  }

  /** @param data JSON text in UTF-8 that has been read once. */
  problemsOf(schema: string, data: Uint8Array): readonly SchemaProblem[] {
    const compilation = this.#compilationOf(schema);
    if (compilation.kind === "refused") return [];
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
    return compilation.schema.validate(JSON.parse(text));
  }

  #compilationOf(schema: string): EventSchemaCompilation {
    const known = this.#compiled.get(schema);
    if (known !== undefined) return known;
    const [oldest] = this.#compiled.keys();
    if (oldest !== undefined && this.#compiled.size >= COMPILED_MAX) this.#compiled.delete(oldest);
    const compilation = compileEventSchema(schema);
    if (compilation.kind === "refused") this.#onUnusable(compilation.message);
    this.#compiled.set(schema, compilation);
    return compilation;
  }
}
