/**
 * Renders bodies one after the other. The deliveries of one event come together, and most of them are of the same
 * bytes: those are rendered once.
 */

import { type AcceptedEvent, type BodyOrder, profileOf, type RenderedBody, renderBody } from "@posthorn/domain";

type Rendered = { readonly order: BodyOrder; readonly event: AcceptedEvent; readonly body: RenderedBody };

export class BodyRenderer {
  #last: Rendered | undefined;

  /** The same object again when nothing that the body is made of has changed. Nobody may write into it. */
  render(order: BodyOrder, event: AcceptedEvent): RenderedBody {
    if (this.#last !== undefined && isTheSame(this.#last, order, event)) return this.#last.body;
    const body = renderBody(order, event);
    this.#last = { order, event, body };
    return body;
  }
}

function isTheSame(last: Rendered, { profile, eventTypePrefix }: BodyOrder, event: AcceptedEvent): boolean {
  return (
    last.event === event &&
    last.order.profile === profile &&
    last.order.eventTypePrefix === eventTypePrefix &&
    !profileOf(profile).bodyNamesDelivery
  );
}
