/**
 * Everything that can be done to a webhook, as functions that know nothing of HTTP: the routes of this API are thin
 * translations of them.
 */

import { type CreateWebhookPorts, type MakeWebhook, webhookMaker } from "./create-webhook.ts";
import { type DeleteWebhookPorts, type RemoveWebhook, webhookRemover } from "./delete-webhook.ts";
import { type RevealSecret, type RevealSecretPorts, secretRevealer } from "./reveal-secret.ts";
import { type RotateSecret, type RotateSecretPorts, secretRotator } from "./rotate-secret.ts";
import { type TestWebhook, type TestWebhookPorts, webhookTester } from "./test-webhook.ts";
import { type ChangeWebhook, type UpdateWebhookPorts, webhookChanger } from "./update-webhook.ts";

export type WebhookActs = {
  readonly make: MakeWebhook;
  readonly change: ChangeWebhook;
  readonly remove: RemoveWebhook;
  readonly rotate: RotateSecret;
  readonly reveal: RevealSecret;
  readonly test: TestWebhook;
};

export type WebhookActsPorts = CreateWebhookPorts &
  UpdateWebhookPorts &
  DeleteWebhookPorts &
  RotateSecretPorts &
  RevealSecretPorts &
  TestWebhookPorts;

export function webhookActs(ports: WebhookActsPorts): WebhookActs {
  return {
    make: webhookMaker(ports),
    change: webhookChanger(ports),
    remove: webhookRemover(ports),
    rotate: secretRotator(ports),
    reveal: secretRevealer(ports),
    test: webhookTester(ports),
  };
}
