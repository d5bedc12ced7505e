/**
 * Reads a process's settings from the environment by a declared spec. Promises a frozen, fully typed object or one
 * `SettingsError` that lists everything that is wrong. It never prints the value of a secret, not even a wrong one.
 */

/** The environment of a process, as `process.env` has it. An empty value counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What became of one variable: a value, or a refusal that says what is allowed ("a whole number from 0 to 65535"). */
export type Reading<T> = { readonly kind: "value"; readonly value: T } | { readonly kind: "refused" };

/** One environment variable: its name, what it may hold, and how it is shown. Made by the functions of `setting-kinds.ts`. */
export interface Setting<T> {
  readonly variable: string;
  /** Completes the sentence "it must be ...". */
  readonly allowed: string;
  /** Reads the variable's text; `undefined` means not set. */
  read(text: string | undefined): Reading<T>;
  /** The part of a given text that may be printed. */
  showText(text: string): string;
  /** The part of a value that may be logged. */
  showValue(value: T): unknown;
}

/** Settings by the property name under which the program knows them. */
export type SettingsSpec = Readonly<Record<string, Setting<unknown>>>;

/** The values of a spec. */
export type SettingsOf<S extends SettingsSpec> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** Settings that cannot be used; the message has one sentence per wrong setting, each on its own line. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly sentences: readonly string[];

  constructor(sentences: readonly string[]) {
    super(sentences.join("\n"));
    this.sentences = sentences;
  }
}

/**
 * Reads every setting of the spec.
 *
 * @throws SettingsError naming every variable that is missing or wrong, what was given and what is allowed.
 */
export function readSettings<S extends SettingsSpec>(env: Environment, spec: S): SettingsOf<S> {
  const values: Record<string, unknown> = {};
  const sentences: string[] = [];
  for (const [property, setting] of Object.entries(spec)) {
    const given = env[setting.variable];
    const text = given === "" ? undefined : given;
    const reading = setting.read(text);
    if (reading.kind === "value") values[property] = reading.value;
    else sentences.push(refusal(setting, text));
  }
  if (sentences.length > 0) throw new SettingsError(sentences);
  // The loop has filled every property of the spec with what its own setting returned.
  return Object.freeze(values) as SettingsOf<S>;
}

/** The effective values by variable name, secrets masked and unset ones `null`: for the line a process logs at its start. */
export function describeSettings<S extends SettingsSpec>(
  spec: S,
  values: SettingsOf<S>,
): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {};
  for (const [property, setting] of Object.entries(spec)) {
    const value = values[property];
    shown[setting.variable] = value === undefined ? null : setting.showValue(value);
  }
  return shown;
}

function refusal(setting: Setting<unknown>, text: string | undefined): string {
  const given = text === undefined ? "is not set" : `is ${setting.showText(text)}`;
  return `${setting.variable} ${given}; it must be ${setting.allowed}.`;
}
