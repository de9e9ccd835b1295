/**
 * Broker: topics, and who subscribes to them. A publication reaches actors by topic, not by address.
 *
 * Guarantees
 *   B1  A message reaches every living subscriber whose pattern matches, once per actor and operation, in the order of
 *       publication; its payload is shared, not copied.
 *   B2  A subscription that comes or goes while a message is handed out changes nothing for that message.
 *   B3  What a full mailbox refuses is a dead letter, or waits for room within the bounds of its subscription; the other
 *       subscribers are not affected.
 *   B4  Of a group one member gets each message: the next that has room.
 *   B5  What is published durably is kept for all who take it at least once, or for none; those subscriptions are of a
 *       name and outlive its actor.
 * Limits      255 characters and 16 segments a topic; the subscribers of 1,024 topics are kept at hand, others are found
 *             again. Subscriptions are as many as the program makes: an actor's end takes its own away. What a schema or a
 *             listener publishes in the middle of a publication reaches those first that have not had theirs.
 * Not here    who may publish what (capability/, host/); topics between processes (cluster/).
 *
 * @module
 */
export { Broker } from './broker.ts';
