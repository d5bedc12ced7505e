/** What else goes into the transaction of a change: it is saved with the change or not at all. */

import type { Database } from "@posthorn/database";
import type { Transaction } from "kysely";

export type Alongside = (transaction: Transaction<Database>) => Promise<void>;
