/** The configuration file of a local NATS server, as text. */

export interface NatsConfigOptions {
  /** An address and port of this machine, or all addresses inside a container. */
  readonly host: string;
  readonly port: number;
  readonly storeDir: string;
  readonly maxPayloadBytes: number;
  /** Serves the HTTP monitoring pages of the server. */
  readonly monitoringPort: number | undefined;
  /** Undefined for a server that runs alone. */
  readonly cluster: NatsClusterPlace | undefined;
}

/** What one server of a cluster knows of itself and of the others. */
export interface NatsClusterPlace {
  /** The cluster knows the server, and which streams it holds, by this name: it never changes, ports may. */
  readonly serverName: string;
  readonly clusterName: string;
  readonly routePort: number;
  readonly peerRoutePorts: readonly number[];
  /** Whether every message reaches the disk before it is acknowledged. Servers before 2.10 refuse the setting. */
  readonly syncsAlways: boolean;
}

/** JetStream keeps its streams in files; strings are quoted as JSON, which the server's format accepts. */
export function renderNatsConfig(options: NatsConfigOptions): string {
  const { host, cluster } = options;
  const sync = cluster?.syncsAlways === true ? ", sync_interval: always" : "";
  const lines = [
    `listen: ${JSON.stringify(`${host}:${options.port}`)}`,
    `max_payload: ${options.maxPayloadBytes}`,
    `jetstream { store_dir: ${JSON.stringify(options.storeDir)}${sync} }`,
  ];
  if (options.monitoringPort !== undefined) {
    lines.push(`http: ${JSON.stringify(`${host}:${options.monitoringPort}`)}`);
  }
  if (cluster !== undefined) lines.push(...clusterLines(host, cluster));
  return `${lines.join("\n")}\n`;
}

function clusterLines(host: string, cluster: NatsClusterPlace): readonly string[] {
  const routes = cluster.peerRoutePorts.map((port) => JSON.stringify(`nats-route://${host}:${port}`));
  return [
    `server_name: ${JSON.stringify(cluster.serverName)}`,
    "cluster {",
    `  name: ${JSON.stringify(cluster.clusterName)}`,
    `  listen: ${JSON.stringify(`${host}:${cluster.routePort}`)}`,
    `  routes: [${routes.join(", ")}]`,
    "}",
  ];
}
