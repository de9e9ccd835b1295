import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostFunction, HostResourceType } from '../../component/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { SeededRandom } from '../../time/index.ts';
import { bytes, MemoryExchange, MemorySource, settled, type TestGuest, testGuest } from './http.suite.ts';
import { HTTP_INTERFACES } from './interfaces.ts';
import { openExchange } from './open-exchange.ts';

const LIVES = 40;
const CALLS = 400;

/** What a guest may be ended with. Anything else is a fault of ours. */
const ENDS = new Set(['COMPONENT_TRAPPED', 'COMPONENT_LIMIT', 'COMPONENT_KILLED']);

const TEXTS = [
  'a',
  'x-name',
  'host',
  'content-length',
  '',
  'a b',
  '/p?q',
  'example.com',
  'a\r\nb',
  'ä',
  '\0',
  'x'.repeat(70_000),
];
const BYTES = ['', '1', '10', 'v', 'a\nb', 'y'.repeat(70_000)].map(bytes);
const VALUES: readonly unknown[] = [
  ...TEXTS,
  ...BYTES,
  ...[0, 1, 99, 103, 200, 404, 2 ** 32, -1, 0.5, Number.NaN],
  ...[0n, 1n, 2n ** 64n - 1n, -1n],
  ...[undefined, null, {}, [], true],
  ...[
    { tag: 'get' },
    { tag: 'other', val: 'PURGE' },
    { tag: 'other', val: 1 },
    { tag: 'HTTP' },
    { tag: 'constructor' },
  ],
  ...[
    { tag: 'err', val: { tag: 'internal-error', val: 'x' } },
    { tag: 'err', val: { tag: '__proto__' } },
  ],
  [['a', bytes('1')]],
  [['a', 1]],
  [bytes('1'), bytes('2')],
];

/** The functions by name, and the drops. */
const FUNCTIONS: readonly (readonly [name: string, call: HostFunction])[] = Object.values(HTTP_INTERFACES).flatMap(
  (face) =>
    Object.entries(face).map(([name, item]): [string, HostFunction] =>
      item instanceof HostResourceType
        ? [`drop ${name}`, (value) => item.dropValue(value)]
        : [name, item as HostFunction],
    ),
);

const CLASSES: Readonly<Record<string, string>> = {
  fields: 'Fields',
  'incoming-request': 'IncomingRequest',
  'incoming-response': 'IncomingResponse',
  'incoming-body': 'IncomingBody',
  'future-trailers': 'FutureTrailers',
  'future-incoming-response': 'FutureIncomingResponse',
  'outgoing-request': 'OutgoingRequest',
  'outgoing-response': 'OutgoingResponse',
  'outgoing-body': 'OutgoingBody',
  'response-outparam': 'ResponseOutparam',
  'request-options': 'RequestOptions',
};

/** One guest and the handles that it has, each for one resource as the engine keeps it. */
class Life {
  readonly it: TestGuest = testGuest({ http: ['http://example.com', 'https://example.com'], resourcesMax: 1_000 });
  readonly #random: SeededRandom;
  readonly #held: object[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
    const source = new MemorySource(['a', 'b'], { trailers: ['x', '1'] });
    this.#held.push(...openExchange(this.it.guest, new MemoryExchange({ source })).args);
  }

  async call(): Promise<void> {
    const [name, call] = this.#pick(FUNCTIONS);
    const resource = /\](.+?)\./.exec(name)?.[1] ?? /^drop (.+)$/.exec(name)?.[1];
    // The engine knows whose handle it drops.
    const self =
      name.startsWith('drop ') || this.#random.next() < 0.9 ? this.#one(CLASSES[resource ?? '']) : this.#pick(VALUES);
    if (self === undefined && resource !== undefined) return;
    const isOwned = /^drop|\[static\]/.test(name);
    const args = [...(resource === undefined ? [] : [self]), this.#argument(), this.#argument()];
    if (isOwned || name === 'handle' || name.startsWith('[constructor]')) this.#give(args);
    this.#take(await call.apply(this.it.guest, name.startsWith('drop ') ? [self] : args));
    const sent = this.#pick(this.it.client.sent);
    if (sent === undefined || this.#random.next() < 0.9) return;
    if (this.#random.next() < 0.5) sent.events.onFailure({ tag: 'connection-refused' });
    else sent.events.onResponse({ status: 200, headers: ['a', '1'], body: new MemorySource(['x']) });
  }

  #argument(): unknown {
    if (this.#random.next() < 0.7) return this.#pick(VALUES);
    const held = this.#pick(this.#held);
    return this.#random.next() < 0.3 ? { tag: 'ok', val: held } : held;
  }

  #one(className: string | undefined): object | undefined {
    return this.#pick(this.#held.filter((held) => held.constructor.name === className));
  }

  /** What is given away is nobody's handle any more. */
  #give(args: readonly unknown[]): void {
    for (const arg of args) {
      const given = (arg as { readonly val?: unknown } | undefined)?.val ?? arg;
      const at = this.#held.indexOf(given as object);
      if (at >= 0) this.#held.splice(at, 1);
    }
  }

  #take(result: unknown): void {
    if (typeof result !== 'object' || result === null) return;
    if (
      /^(Input|Output)Stream$|^Pollable$/.test(result.constructor.name) ||
      Object.values(CLASSES).includes(result.constructor.name)
    ) {
      this.#held.push(result);
    } else if ('val' in result) {
      this.#take(result.val);
    }
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random.next() * list.length)] as T;
  }
}

test('a guest that calls anything with anything gets results, errors or its end', async () => {
  const random = new SeededRandom(20_260_101);
  let calls = 0;
  for (let life = 0; life < LIVES; life += 1) {
    const guest = new Life(random);
    for (let at = 0; at < CALLS; at += 1) {
      try {
        await guest.call();
        calls += 1;
      } catch (error) {
        assert.ok(RuntimeError.is(error) && ENDS.has(error.code), String((error as Error).stack));
      }
    }
    await guest.it.guest.dispose();
  }
  await settled();
  assert.ok(calls > (LIVES * CALLS) / 10, `${calls} calls came to something`);
});
