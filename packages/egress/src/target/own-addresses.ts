/**
 * The addresses of this machine. A public one is no receiver: behind it are Posthorn's own ports and those of its
 * neighbours on the machine, which a firewall may open to what comes from inside.
 */

import { networkInterfaces } from "node:os";
import { isSameAddress } from "../address/address.ts";

export type IsOwnAddress = (address: string) => boolean;

/** For what is decided without looking at the machine; every connection looks again. */
export const NOT_ASKED: IsOwnAddress = () => false;

/** Asks the system each time (some 50 µs), because interfaces come and go. */
export function isOwnAddress(address: string): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return interfaces.some((own) => isSameAddress(own.address, address));
}
