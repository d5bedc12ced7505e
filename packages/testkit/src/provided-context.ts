/** What the global set-up hands to every integration test file. */

export interface SharedServers {
  /** A NATS server that all files share: use names of your own, never restart it. */
  readonly natsUrl: string;
  /** The superuser's url of a Postgres that all files share. */
  readonly postgresUrl: string;
  /** The migrated database that `createTestDatabase` copies. */
  readonly templateDatabase: string;
}

declare module "vitest" {
  interface ProvidedContext {
    readonly sharedServers: SharedServers;
  }
}
