/** Rows of configuration as the values that the bucket holds: the newest version, or the tombstone of what is gone. */

import type { Database } from "@posthorn/database";
import type { ConfigKey } from "@posthorn/message-bus";
import type { Kysely } from "kysely";
import {
  apiKeyEntry,
  type BucketEntry,
  eventTypeEntry,
  organisationEntry,
  payloadDeletionEntry,
  webhookEntry,
} from "./config-rows.ts";

export type ConfigKind = ConfigKey["kind"];

export type ConfigEntries = {
  /** What is stored under these ids now. */
  read(kind: ConfigKind, ids: readonly string[]): Promise<readonly BucketEntry[]>;
  /** Everything of a kind in the order of ids, in pages. */
  all(kind: ConfigKind): AsyncIterable<readonly BucketEntry[]>;
};

export const CONFIG_KINDS: readonly ConfigKind[] = [
  "organisation",
  "api-key",
  "event-type",
  "payload-deletion",
  "webhook",
];

const PAGE_ROWS = 500;
/** Below every id that is given out. */
const LOWEST_ID = "00000000-0000-0000-0000-000000000000";

type Choice = { readonly ids: readonly string[] } | { readonly after: string };

export function openConfigEntries(db: Kysely<Database>): ConfigEntries {
  return {
    read: (kind, ids) => entriesOf(db, kind, { ids }),
    all: async function* (kind) {
      let after = LOWEST_ID;
      for (;;) {
        const page = await entriesOf(db, kind, { after });
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE_ROWS) return;
        after = last.key.id;
      }
    },
  };
}

async function entriesOf(db: Kysely<Database>, kind: ConfigKind, choice: Choice): Promise<readonly BucketEntry[]> {
  switch (kind) {
    case "organisation": {
      const query = db.selectFrom("organisations").selectAll();
      const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
      return (await chosen.orderBy("id").limit(PAGE_ROWS).execute()).map(organisationEntry);
    }
    case "api-key": {
      const query = db.selectFrom("api_keys").selectAll();
      const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
      return (await chosen.orderBy("id").limit(PAGE_ROWS).execute()).map(apiKeyEntry);
    }
    case "webhook": {
      const query = db.selectFrom("webhooks").selectAll();
      const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
      return (await chosen.orderBy("id").limit(PAGE_ROWS).execute()).map(webhookEntry);
    }
    case "event-type": {
      const query = db.selectFrom("event_types").selectAll();
      const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
      return (await chosen.orderBy("id").limit(PAGE_ROWS).execute()).map(eventTypeEntry);
    }
    case "payload-deletion": {
      const query = db.selectFrom("payload_deletions").selectAll();
      const chosen =
        "ids" in choice ? query.where("event_id", "in", choice.ids) : query.where("event_id", ">", choice.after);
      return (await chosen.orderBy("event_id").limit(PAGE_ROWS).execute()).map(payloadDeletionEntry);
    }
    default:
      return kind satisfies never;
  }
}
