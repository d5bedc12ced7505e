/** The parts that documentation has, in its order, each with what belongs there. */

export const TAGS = {
  Organisations: "The tenants of an installation",
  "API keys": "Who may use an organisation, and for what",
  Webhooks: "Where events go, and what is sent there",
  Deliveries: "What became of an event at a webhook",
  Replays: "Deliveries that are made once more",
  Events: "What was published",
  "Event types": "The catalogue of what may be published",
  Audit: "Who changed what",
  Description: "The API itself",
} as const;

export type Tag = keyof typeof TAGS;
