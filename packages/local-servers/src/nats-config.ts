/** The configuration file of a local NATS server, as text. */

export interface NatsConfigOptions {
  /** An address and port of this machine, or all addresses inside a container. */
  readonly host: string;
  readonly port: number;
  readonly storeDir: string;
  readonly maxPayloadBytes: number;
  /** Serves the HTTP monitoring pages of the server. */
  readonly monitoringPort: number | undefined;
}

/** JetStream keeps its streams in files; strings are quoted as JSON, which the server's format accepts. */
export function renderNatsConfig(options: NatsConfigOptions): string {
  const lines = [
    `listen: ${JSON.stringify(`${options.host}:${options.port}`)}`,
    `max_payload: ${options.maxPayloadBytes}`,
    `jetstream { store_dir: ${JSON.stringify(options.storeDir)} }`,
  ];
  if (options.monitoringPort !== undefined) {
    lines.push(`http: ${JSON.stringify(`${options.host}:${options.monitoringPort}`)}`);
  }
  return `${lines.join("\n")}\n`;
}
