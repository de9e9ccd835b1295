/** A component for `javascript-guests.test.ts`: one operation for each promise of `troupe/guest`. */
import { actor, defineActor, Failure, publish, self } from 'troupe/guest';

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const decoder = new TextDecoder();
let count = 0;
let started: unknown;

async function* numbers() {
  for (let number = 1; number <= 3; number++) {
    await wait(1);
    yield number;
  }
}

export const { handler, lifecycle } = defineActor({
  start(config) {
    started = config;
    const { refuse } = config as { refuse?: string };
    if (refuse !== undefined) throw new Error(refuse);
  },
  stop: () => console.log('stopped'),
  health: () => (count < 100 ? 'healthy' : { degraded: 'counted too far' }),
  snapshot: () => ({ count }),
  async restore(state) {
    await wait(1);
    ({ count } = JSON.parse(decoder.decode(state)) as { count: number });
  },
  topic(message) {
    count += 1;
    console.log(`topic ${message.subject}`, { count });
  },
  operations: {
    count: () => String(++count),
    started: () => started as object,
    echo: (message) => message.payload,
    nothing: () => undefined,
    describe: ({ delivery, subject, sender, remainingMs }) => ({
      delivery,
      subject,
      sender,
      waits: remainingMs !== undefined,
    }),
    upper: (message) => message.text().toUpperCase(),
    sum: (message) => (message.json() as number[]).reduce((sum, number) => sum + number, 0),
    async later() {
      const order: string[] = [];
      const timer = wait(20).then(() => order.push('timer'));
      queueMicrotask(() => order.push('job'));
      order.push('now');
      await Promise.all([timer, wait(1)]);
      for await (const number of numbers()) order.push(String(number));
      return order;
    },
    async promises() {
      const settled = await Promise.allSettled([1, Promise.reject(new Error('no')), wait(1).then(() => 2)]);
      const first = await Promise.race([wait(50).then(() => 'slow'), wait(1).then(() => 'fast')]);
      const any = await Promise.any([Promise.reject(new Error('no')), 'yes']);
      const caught = await Promise.all([wait(1), Promise.reject(new Error('all'))]).catch(
        (error: Error) => error.message,
      );
      let cleaned = false;
      await wait(1).finally(() => {
        cleaned = true;
      });
      return { settled: settled.map(({ status }) => status), first, any, caught, cleaned };
    },
    never: () => new Promise<string>(() => {}),
    async rejects() {
      await wait(1);
      throw new Failure('conflict', 'TOO_LATE', 'It is too late');
    },
    mistake: () => (undefined as unknown as { text: string }).text,
    denied: () => {
      throw Object.assign(new Error('It is not for you'), { code: 'HTTP-request-denied' });
    },
    wrong: () => Symbol('wrong') as unknown as string,
    random: () => [Math.random(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(4))]],
    globals: () =>
      Object.fromEntries(['URL', 'fetch', 'process', 'TextEncoder'].map((name) => [name, name in globalThis])),
    relay: (message) => actor('echo').ask('echo', message.payload, { timeoutMs: 1_000 }).text(),
    refused: () => {
      try {
        actor('stranger').tell('anything');
        return 'told';
      } catch (error) {
        return error instanceof Failure ? { kind: error.kind, code: error.code } : 'thrown something else';
      }
    },
    shout: (message) => publish('news', message.text()),
    whoami: () => self(),
  },
});
