/**
 * Child process of the HTTP benchmark: the same request to the same server, one after the other, by undici alone and by a
 * guest through `wasi:http`. Prints what a call costs as JSON, for each round.
 *
 *     node http-outgoing.ts PORT ROUNDS CALLS
 */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { type Call, type CallSource, compileComponent } from '../src/component/index.ts';
import { systemClock } from '../src/time/index.ts';
import { defineWasi, type HttpBodySink, type HttpExchange, openExchange } from '../src/wasi/index.ts';

const [port, rounds, calls] = process.argv.slice(2).map(Number) as [number, number, number];
const AUTHORITY = `127.0.0.1:${port}`;
const LINE = 'Hello, world!\n';
/** Until V8 has compiled what is called: some 30,000 calls of each. */
const WARM_UP_ROUNDS = 120;

const agent = new Agent({ pipelining: 1, allowH2: false });

async function alone(): Promise<void> {
  const { statusCode, body } = await request(`http://${AUTHORITY}/hello`, { dispatcher: agent });
  const bytes = await body.arrayBuffer();
  if (statusCode !== 200 || bytes.byteLength !== LINE.length) throw new Error('undici got something else');
}

/** Takes the guest's answer and looks at its length only. */
class Answer implements HttpExchange, HttpBodySink {
  readonly method = 'GET';
  readonly scheme = 'http';
  readonly authority = 'guest.example';
  readonly pathWithQuery = '/fetch';
  readonly rawHeaders = ['x-authority', AUTHORITY, 'x-path', '/hello'];
  bytes = 0;
  body(): undefined {}
  respond(): HttpBodySink {
    return this;
  }
  inform(): void {}
  fail(code: { readonly tag: string }, reason?: Error): void {
    throw reason ?? new Error(code.tag);
  }
  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }
  finish(): void {}
  abort(reason: { readonly tag: string }): void {
    throw new Error(reason.tag);
  }
}

const file = new URL('../fixtures/components/http/tour.wasm', import.meta.url);
const component = await compileComponent(await readFile(file));
const wasi = defineWasi({ grants: { http: [`http://${AUTHORITY}`] } });
const context = wasi.guest({ clock: systemClock });
const instance = await component.instantiate(wasi.interfaces, { context });
const handle = component.exports.find(({ name }) => name.startsWith('wasi:http/incoming-handler@'));
if (handle === undefined) throw new Error('The fixture handles no requests');

async function throughGuest(): Promise<void> {
  const answer = new Answer();
  const open = openExchange(context, answer);
  let call: Call | undefined = { func: handle as Call['func'], args: open.args };
  const source: CallSource = {
    next() {
      const taken = call;
      call = undefined;
      return taken;
    },
    done: () => undefined,
    invalid(error) {
      throw error;
    },
  };
  await instance.pump(source);
  await open.close();
  if (answer.bytes !== LINE.length) throw new Error(`The guest gave ${answer.bytes} bytes`);
}

interface Cost {
  /** From one call's beginning to the next one's. */
  readonly wallUs: number;
  /** Processor time of this process, all of its threads. */
  readonly cpuUs: number;
}

async function cost(work: () => Promise<void>): Promise<Cost> {
  const used = process.cpuUsage();
  const started = performance.now();
  for (let nth = 0; nth < calls; nth++) await work();
  const wallUs = ((performance.now() - started) * 1000) / calls;
  const { user, system } = process.cpuUsage(used);
  return { wallUs, cpuUs: (user + system) / calls };
}

const samples = { alone: [] as Cost[], guest: [] as Cost[] };
for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
  const both = { alone: await cost(alone), guest: await cost(throughGuest) };
  if (round < 0) continue;
  samples.alone.push(both.alone);
  samples.guest.push(both.guest);
}
console.log(JSON.stringify(samples));
process.exit(0);
