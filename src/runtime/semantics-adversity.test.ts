/** The promises of docs/explanation/semantics.md, kept against names, hooks and observers that make trouble. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSystem, scripted } from '../../test/kit/actors.ts';
import { type ActorRef, implement, protocol, type } from '../actor/index.ts';

/** Names that plain objects, or our own, might have a use for. */
const AWKWARD_NAMES = [
  'cell',
  'sender',
  'headers',
  'target',
  'bind',
  'request',
  'listen',
  'toString',
  'hasOwnProperty',
];

test('S1: operations and events may have any name that is not reserved', async () => {
  const { clock, system, close } = manualSystem();
  for (const name of AWKWARD_NAMES) {
    const Awkward = protocol('test:awkward', { tell: { [name]: type<string>() }, event: { [name]: type<string>() } });
    const Question = protocol('test:question', { ask: { [name]: { in: type<string>(), out: type<string>() } } });
    const ref = system.spawn(
      implement(Awkward, {
        init: () => undefined,
        tell: { [name]: (context, payload: string) => context.emit[name]?.(payload) },
      }),
    );
    const asked = system.spawn(
      implement(Question, { init: () => undefined, ask: { [name]: (_, payload: string) => payload } }),
    );
    const events = ref.on[name]?.();
    const relay = system.spawn(scripted());
    ref.tell[name]?.('first');
    relay.tell.run((context) => void context.ref(ref as ActorRef<typeof Awkward>).tell[name]?.('second'));
    const reply = asked.ask[name]?.('third');
    await clock.settle();
    assert.deepEqual(
      [await events?.next(), await events?.next()].map((event) => event?.value),
      ['first', 'second'],
    );
    assert.equal(await reply, 'third');
  }
  await close();
});
