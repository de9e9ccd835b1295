import { RuntimeError } from '../errors/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Cell, Services } from './cell.ts';
import { assertMessageId } from './deliveries.ts';
import type { Publication, Subscription } from './ports.ts';
import type { TopicSpec } from './subscription.ts';

/**
 * Subscribes an actor to topics. What is to be kept for it is known to be so only when all were good: who has made the cell
 * undoes the rest.
 *
 * @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`, `NAME_INVALID` (a group), `CONFIG_INVALID`,
 *   `DELIVERY_UNAVAILABLE`, `ACTOR_STOPPED`.
 * @throws {RangeError} An option is out of range.
 */
export function subscribe(cell: Cell, specs: readonly TopicSpec[]): Subscription[] {
  const { topics, outbox } = cell.profile.services;
  if (cell.status === 'stopped') {
    throw new RuntimeError('ACTOR_STOPPED', `Cannot subscribe "${cell.name}": it has stopped`);
  }
  cell.rare.isSubscribed = true;
  const made = specs.map(({ topic, ...options }) => topics.subscribe(topic, cell.ref, options));
  for (const subscription of made) {
    if (subscription.delivery === 'at-least-once') outbox?.topics.add(cell.name, subscription);
  }
  return made;
}

/** As `ActorSystem.publishDurably`, in the name of `sender`. */
export async function publishDurably(
  { topics, outbox }: Services,
  publication: Publication,
  sender: ActorRef | undefined,
): Promise<number> {
  if (outbox === null) {
    const text = `Cannot publish to "${publication.topic}" durably: the system has no store`;
    throw new RuntimeError('DELIVERY_UNAVAILABLE', text);
  }
  assertMessageId(publication.id);
  // Who subscribed in an earlier process is known then.
  const opening = outbox.open();
  if (opening !== undefined) await opening;
  return topics.publishDurably(publication, sender);
}
