/** Host names that can only mean something inside a network, whatever a resolver says about them. */

const INTERNAL_SUFFIXES = [
  "localhost",
  "localdomain",
  "local", // mDNS, and cluster.local
  "internal", // metadata.google.internal among others
  "intranet",
  "lan",
  "corp",
  "home",
  "home.arpa",
  "svc", // Kubernetes services
];

/** @param name in lower case, without a trailing dot. */
export function isPublicName(name: string): boolean {
  const isSingleLabel = !name.includes(".");
  return !isSingleLabel && !INTERNAL_SUFFIXES.some((suffix) => name.endsWith(`.${suffix}`));
}
