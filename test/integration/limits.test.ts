/** What components may use: asked and given in files, enforced, counted, shown and told. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JsonValue } from '../../src/api/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import type { RuntimeError } from '../../src/errors/index.ts';
import { type Application, type ApplicationEvent, startApplication } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-limits-'));
after(() => rmSync(folder, { recursive: true }));

const ECHO = fileURLToPath(new URL('../../fixtures/components/echo/echo.wasm', import.meta.url));

/**
 * `count` loops so many times; `grow` asks for pages and gives what `memory.grow` says; `abort` traps after a `grow`, `trap` at once;
 * `give` hands over so many bytes; `hold` makes so many resources; `deep` calls itself without end.
 */
const GUEST = `(component
  (core module $M
    (memory (export "memory") 2)
    (func (export "count") (param $n i32) (result i32) (local $i i32)
      (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $i))
    (func (export "trap") (unreachable))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "abort") (param i32) (result i32)
      (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then (unreachable)))
      (i32.const 0))
    (func $deep (export "deep") (result i32) (i32.add (call $deep) (i32.const 1)))
    (func (export "give") (param i32) (result i32)
      (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (local.get 0)) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "take") (param i32 i32) (result i32) (local.get 1)))
  (type $r (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core module $H
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "hold") (param $n i32) (result i32) (local $i i32)
      (loop $l (drop (call $new (i32.const 1)))
        (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $i)))
  (core instance $m (instantiate $M))
  (core instance $h (instantiate $H (with "" (instance (export "new" (func $new))))))
  (func (export "count") (param "n" u32) (result u32) (canon lift (core func $m "count")))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $m "grow")))
  (func (export "abort") (param "pages" u32) (result u32) (canon lift (core func $m "abort")))
  (func (export "trap") (canon lift (core func $m "trap")))
  (func (export "deep") (result u32) (canon lift (core func $m "deep")))
  (func (export "hold") (param "n" u32) (result u32) (canon lift (core func $h "hold")))
  (func (export "give") (param "n" u32) (result (list u8)) (canon lift (core func $m "give") (memory $m "memory")))
  (func (export "take") (param "x" (list u8)) (result u32)
    (canon lift (core func $m "take") (memory $m "memory") (realloc (func $m "realloc")))))`;

writeFileSync(join(folder, 'guest.wasm'), await parseWat(GUEST));

interface Running {
  readonly application: Application & { readonly events: readonly ApplicationEvent[] };
  call(op: string, ...args: JsonValue[]): Promise<unknown>;
  limits(): NonNullable<ReturnType<Application['actors']>[number]['limits']>;
}

async function started(toml: string): Promise<Application & { readonly events: ApplicationEvent[] }> {
  writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "test"\nworkers = 0\n${toml}`);
  const events: ApplicationEvent[] = [];
  const config = await loadApplication(folder);
  const application = await startApplication(config, { onEvent: (event) => events.push(event) });
  return Object.assign(application, { events });
}

/** An application of the guest with these lines under `[components.guest.limits]`. */
async function guest(limits: string, more = ''): Promise<Running> {
  const application = await started(
    `[components.guest]\nsource = "./guest.wasm"\n[components.guest.supervise]\nintensity = 1000\nbackoff = { min = "0ms", max = "0ms" }\n${more}[components.guest.limits]\n${limits}\n`,
  );
  return {
    application,
    async call(op, ...args) {
      const payload = { form: 'json', value: args } as const;
      const reply = await application.ask({ actor: 'guest', op, payload, timeoutMs: 20_000 });
      return reply.form === 'json' ? reply.value : reply;
    },
    limits: () => application.actors().find(({ name }) => name === 'guest')?.limits ?? {},
  };
}

const endedBy = (cause: string, text: RegExp) => (error: unknown) => {
  failsWith('ACTOR_FAILED', text)(error);
  assert.equal((error as RuntimeError).details.cause, cause);
  return true;
};

test('S82: a message that uses more than its fuel is ended by name, counted and told; the next has all of it again', async () => {
  const { application, call, limits } = await guest('fuel-per-message = 1_000_000');
  await using _ = application;
  for (let round = 0; round < 3; round++) {
    assert.equal(await call('count', 10_000), 10_000);
    await assert.rejects(call('count', 4_000_000_000), endedBy('COMPONENT_FUEL', /1000000 units of fuel/));
  }
  assert.equal(limits()['fuel-per-message']?.breaches, 3);
  assert.equal(limits()['fuel-per-message']?.limit, 1_000_000);
  const [first, ...others] = application.events.filter(isBreach);
  assert.deepEqual(
    [first?.actor, first?.component, first?.limit, first?.limitValue],
    ['guest', 'guest', 'fuel-per-message', 1_000_000],
  );
  assert.ok(others.length <= 1, 'what follows at once is told together');
});

const isBreach = ({ type }: ApplicationEvent): boolean => type === 'limit-breached';

test('S82: the same message uses the same fuel, whatever came before it', async () => {
  const { application, call, limits } = await guest('');
  await using _ = application;
  const used = async (n: number): Promise<number | undefined> => {
    await call('count', n);
    return limits()['fuel-per-message']?.used;
  };
  const first = await used(100_000);
  assert.ok((first ?? 0) > 100_000);
  await used(17);
  await call('count', 333_333);
  assert.equal(await used(100_000), first);
});

test('S82: exactly the messages fail that use more than the limit', async () => {
  const free = await guest('');
  await free.call('count', 50_000);
  const used = free.limits()['fuel-per-message']?.used ?? 0;
  await free.application.stop();
  const enough = await guest(`fuel-per-message = ${used}`);
  assert.equal(await enough.call('count', 50_000), 50_000);
  await enough.application.stop();
  const scarce = await guest(`fuel-per-message = ${used - 1}`);
  await using _ = scarce.application;
  await assert.rejects(scarce.call('count', 50_000), endedBy('COMPONENT_FUEL', /units of fuel/));
});

test('S83: a component that uses more fuel than its rate waits, and does all of its work', async () => {
  const { application, call, limits } = await guest('fuel-per-second = 2_000_000');
  await using _ = application;
  const startMs = performance.now();
  assert.equal(await call('count', 700_000), 700_000);
  const used = limits()['fuel-per-message']?.used ?? 0;
  const tookMs = performance.now() - startMs;
  assert.ok(used > 2_200_000, `${used} units`);
  assert.ok(tookMs >= ((used - 2_200_000) / 2_000_000) * 1_000, `${tookMs} ms for ${used} units`);
  assert.ok((limits()['fuel-per-second']?.breaches ?? 0) > 0);
});

test('S83: many small messages are delayed as one large one is', async () => {
  const { application, call } = await guest('fuel-per-second = 1_000_000');
  await using _ = application;
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 100 }, () => call('count', 5_000)));
  assert.ok(performance.now() - startMs >= 400, 'some 1.5 million units');
});

test('S84: a call that hands over more than its lift budget is ended by name', async () => {
  const { application, call, limits } = await guest('lift-budget = "64KiB"');
  await using _ = application;
  assert.ok(await call('give', 1_000));
  await assert.rejects(call('give', 70_000), endedBy('COMPONENT_LIMIT', /more than 65536 bytes/));
  assert.equal(limits()['lift-budget']?.breaches, 1);
});

test('S84: an instance that holds more handles than it may is ended by name', async () => {
  const { application, call, limits } = await guest('handles = 100');
  await using _ = application;
  assert.equal(await call('hold', 100), 100);
  await assert.rejects(call('hold', 1), endedBy('COMPONENT_LIMIT', /another handle/));
  assert.equal(await call('hold', 100), 100, 'a new instance');
  assert.equal(limits().handles?.breaches, 1);
});

test('S84: a message that is larger than the limit is refused with a value, and the actor goes on', async () => {
  const { application, call, limits } = await guest('message-size = "1KiB"');
  await using _ = application;
  assert.equal(await call('take', Array(90).fill(7)), 90);
  await assert.rejects(call('take', Array(2_000).fill(7)), failsWith('MESSAGE_INVALID', /1024 are the most/));
  assert.equal(await call('count', 3), 3);
  assert.equal(limits()['message-size']?.breaches, 1);
});

test('S84: a component that sends more messages than its rate is refused with a value', async () => {
  const toml = `[components.echo]\nsource = "${ECHO}"\n[components.echo.limits]\nmessage-rate = 3\n[components.echo.grants]\nmessaging = { tell = ["*"] }\n`;
  const application = await started(toml);
  await using _ = application;
  const tell = (): Promise<unknown> => {
    const payload = { form: 'bytes', base64: Buffer.from('echo line\nx').toString('base64') } as const;
    return application.ask({ actor: 'echo', op: 'tell', payload, timeoutMs: 20_000 });
  };
  for (let nth = 0; nth < 3; nth++) await tell();
  await assert.rejects(Promise.all([tell(), tell(), tell(), tell()]), (error) => {
    failsWith('ANSWER_OVERLOAD', /more than 3 messages a second/)(error);
    return (error as RuntimeError).details.answerCode === 'COMPONENT_LIMIT';
  });
  assert.ok(application.events.some((event) => isBreach(event) && event.limit === 'message-rate'));
});

test('S84: ps shows every limit that has a value, what is used of it, and how often each was run into', async () => {
  const text =
    'open-files = 3\nbytes-in-per-second = "1MiB"\nstorage = "1KiB"\nfuel-per-second = 50_000_000\nmessage-size = "1MiB"';
  const { application, call, limits } = await guest(text);
  await using _ = application;
  assert.equal(await call('take', new Array(5_000).fill(1)), 5_000);
  await call('give', 60_000);
  const shown = limits();
  assert.deepEqual(shown['open-files'], { limit: 3, used: 0, breaches: 0 });
  assert.deepEqual(shown['bytes-in-per-second'], { limit: 1_048_576, used: 0, breaches: 0 });
  assert.deepEqual(shown.storage, { limit: 1_024, breaches: 0 });
  assert.deepEqual(shown['message-rate'], { breaches: 0 });
  assert.deepEqual(shown.memory, { limit: 67_108_864, used: 131_072, breaches: 0 });
  assert.deepEqual(shown.table, { limit: 100_000, used: 0, breaches: 0 });
  assert.deepEqual(shown.deadline, { limit: 30_000, used: 0, breaches: 0 });
  assert.deepEqual(shown.handles, { limit: 16_384, used: 0, breaches: 0 });
  assert.deepEqual(shown.sockets, { limit: 64, used: 0, breaches: 0 });
  assert.deepEqual(shown['http-requests'], { limit: 32, used: 0, breaches: 0 });
  assert.equal(shown.instances?.used, 1);
  const between = (limit: string, least: number, most: number) => {
    const used = shown[limit]?.used ?? Number.NaN;
    assert.ok(used >= least && used <= most, `${limit}: ${used}`);
  };
  between('lift-budget', 60_000, 61_000);
  between('fuel-per-message', 60_000, 70_000);
  between('fuel-per-second', 0, 200_000);
  between('message-size', 5_000, 50_000);
});

test('S84: of what the author asks and the operator gives, the smaller counts', async () => {
  mkdirSync(join(folder, 'made'), { recursive: true });
  const manifest =
    '[component]\nname = "guest"\nsource = "../guest.wasm"\n[limits]\nhandles = 50\nfuel-per-message = 5_000_000\n';
  writeFileSync(join(folder, 'made', 'Component.toml'), manifest);
  const toml = `[components.guest]\nmanifest = "./made/Component.toml"\n[components.guest.limits]\nhandles = 70\nfuel-per-message = "unbounded"\n`;
  const application = await started(toml);
  await using _ = application;
  const [actor] = application.actors();
  assert.equal(actor?.limits?.handles?.limit, 50);
  assert.equal(actor?.limits?.['fuel-per-message']?.limit, 5_000_000);
});

const NONSENSE: readonly (readonly [string, RegExp])[] = [
  ['memory = "1KiB"', /line 6: components\.guest\.limits\.memory expected a size from "64KiB" to "4GiB"/],
  ['memory = "5GiB"', /line 6: .*"4GiB"/],
  ['table = -1', /line 6: .*from 0 to 10,000,000/],
  ['fuel-per-message = 0', /line 6: .*from 1 to 9,007,199,254,740,991, or "unbounded"/],
  ['fuel-per-second = -5', /line 6: .*from 1,000,000/],
  ['handles = 0', /line 6: .*from 16 to 1,048,576/],
  ['lift-budget = "1B"', /line 6: .*from "64KiB" to "1GiB"/],
  ['sockets = 1.5', /line 6: .*from 0 to 65,536/],
  ['message-size = "1GiB"', /line 6: .*"16MiB"/],
  ['message-rate = 0', /line 6: .*or "unbounded"/],
  ['instances = 0', /line 6: .*from 1 to 16,384/],
  ['deadline = "-1s"', /line 6: .*a duration from/],
  ['bytes-in-per-second = "endless"', /line 6: .*or "unbounded"/],
  ['storage = "2TiB"', /line 6: .*or "unbounded"/],
];

for (const [line, expected] of NONSENSE) {
  test(`S84: up refuses the limit ${line} with its place and the range`, async () => {
    const toml = `[application]\nname = "test"\n[components.guest]\nsource = "./guest.wasm"\n[components.guest.limits]\n${line}\n`;
    writeFileSync(join(folder, 'troupe.toml'), toml);
    await assert.rejects(loadApplication(folder), failsWith('CONFIG_INVALID', expected));
  });
}

test('S84: up refuses more memory than the machine has, and more actors than the limit of their component', async () => {
  const toml = `[application]\nname = "test"\n[components.guest]\nsource = "./guest.wasm"\ninstances = 3\n[components.guest.limits]\nmemory = "2GiB"\ninstances = 2\n`;
  writeFileSync(join(folder, 'troupe.toml'), toml);
  await assert.rejects(loadApplication(folder, { machineBytes: 1_073_741_824 }), (error) => {
    failsWith('CONFIG_INVALID', /line 5: components\.guest\.instances is more than the limit.*from 1 to 2/)(error);
    const [, memory] = (error as RuntimeError).details.problems as { line: number; message: string }[];
    assert.equal(memory?.line, 7);
    assert.match(memory?.message ?? '', /more than this machine has: expected a size from "64KiB" to "1GiB"/);
    return true;
  });
});

test('S84: a guest that may not grow has run into its memory, whether it goes on or traps; any other trap is one', async () => {
  const { application, call, limits } = await guest('memory = "1MiB"');
  await using _ = application;
  assert.equal(await call('grow', 13), 2);
  assert.equal(limits().memory?.used, 15 * 65_536);
  assert.equal(limits().memory?.breaches, 0);
  assert.equal(await call('grow', 100), -1, 'it goes on');
  assert.equal(limits().memory?.breaches, 1);
  await assert.rejects(call('trap'), endedBy('COMPONENT_TRAPPED', /unreachable$/), 'with 15 of 16 pages');
  const text = /unreachable, after it was refused 6553600 bytes of memory; it has 131072 of 1048576: raise "memory"/;
  await assert.rejects(call('abort', 100), endedBy('COMPONENT_LIMIT', text));
  assert.equal(limits().memory?.breaches, 2);
  const [first, ...more] = application.events.filter(isBreach);
  assert.deepEqual([first?.limit, first?.used, more.length], ['memory', 115 * 65_536, 0], 'told once a second');
});

test('S85: a call stack that overflows is a failure by name', async () => {
  const { application, call } = await guest('');
  await using _ = application;
  await assert.rejects(call('deep'), endedBy('COMPONENT_TRAPPED', /call stack overflowed/));
  assert.equal(await call('count', 3), 3);
});

/** Two components in one: `deep` is called by the outer one from within itself, `through` at every depth, `text` recurs in an allocator. */
const COMPOSED = `(component
  (component $Inner
    (core module $M
      (func $deep (export "deep") (result i32) (i32.add (call $deep) (i32.const 1)))
      (func (export "one") (result i32) (i32.const 1)))
    (core instance $m (instantiate $M))
  (func (export "deep") (result u32) (canon lift (core func $m "deep")))
    (func (export "one") (result u32) (canon lift (core func $m "one"))))
  (component $Outer
    (import "deep" (func $deep (result u32)))
    (import "one" (func $one (result u32)))
    (core func $core-deep (canon lower (func $deep)))
    (core func $core-one (canon lower (func $one)))
    (core module $M
      (import "" "deep" (func $deep (result i32)))
      (import "" "one" (func $one (result i32)))
      (memory (export "memory") 1)
      (func $alloc (export "realloc") (param i32 i32 i32 i32) (result i32)
        (call $alloc (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
      (func (export "text") (param i32 i32))
      (func (export "deep") (result i32) (call $deep))
      (func $through (export "through") (result i32) (drop (call $one)) (call $through) (call $one) (i32.add)))
    (core instance $m (instantiate $M
      (with "" (instance (export "deep" (func $core-deep)) (export "one" (func $core-one))))))
  (func (export "deep") (result u32) (canon lift (core func $m "deep")))
    (func (export "through") (result u32) (canon lift (core func $m "through")))
    (func (export "text") (param "x" string)
      (canon lift (core func $m "text") (memory $m "memory") (realloc (func $m "realloc")))))
  (instance $inner (instantiate $Inner))
  (instance $outer (instantiate $Outer (with "deep" (func $inner "deep")) (with "one" (func $inner "one"))))
  (export "deep" (func $outer "deep"))
  (export "through" (func $outer "through"))
  (export "text" (func $outer "text")))`;

for (const [op, ...args] of [['deep'], ['through'], ['text', 'x']] as const) {
  test(`S85: a call stack that overflows in a composition is a failure by name (${op})`, async () => {
    writeFileSync(join(folder, 'composed.wasm'), await parseWat(COMPOSED));
    const application = await started('[components.guest]\nsource = "./composed.wasm"\n');
    await using _ = application;
    const payload = { form: 'json', value: [...args] } as const;
    const asked = application.ask({ actor: 'guest', op, payload, timeoutMs: 20_000 });
    await assert.rejects(asked, endedBy('COMPONENT_TRAPPED', /call stack overflowed/));
  });
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/components/${name}/${name}.wasm`, import.meta.url));

/** Runs a task to its end; gives what it wrote, and the limits that were told of. */
async function ran(
  source: string,
  lines: string,
): Promise<{ readonly text: string; readonly limits: unknown[]; readonly ms: number }> {
  const startMs = performance.now();
  const toml = `[components.task]\nsource = "${source}"\nsupervise = { restart = "temporary" }\n${lines}`;
  await using application = await started(toml);
  await application.idle;
  const text = application.events.flatMap((event) => (event.type === 'output' ? [event.text] : [])).join('');
  const limits = application.events.filter(isBreach).map(({ limit }) => limit);
  return { text, limits, ms: performance.now() - startMs };
}

const OUTPUT = '[components.task.grants]\nstdio = true\nclock = true\nrandom = true\n';

test('S84: a component that has as many files open as it may is refused another by its own error', async () => {
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data', 'a'), 'what is in it');
  const files = 'filesystem = [{ path = "./data", mount = "/", rights = ["read", "list"] }]\n';
  const args = 'args = ["read", "/a"]\n';
  const free = await ran(fixture('wasi-tour'), `${args}${OUTPUT}${files}`);
  assert.match(free.text, /what is in it/);
  const bound = await ran(fixture('wasi-tour'), `${args}${OUTPUT}${files}[components.task.limits]\nopen-files = 0\n`);
  assert.doesNotMatch(bound.text, /what is in it/);
  assert.ok(bound.limits.includes('open-files'), String(bound.limits));
});

test('S84: a component that has as many sockets as it may is refused another by its own error', async () => {
  const network = 'network = { listen = ["tcp://127.0.0.1:*"] }\n';
  const { text, limits } = await ran(
    fixture('sockets'),
    `args = ["tcp-serve", "0", "1"]\n${OUTPUT}${network}[components.task.limits]\nsockets = 0\n`,
  );
  assert.match(text, /new-socket-limit|socket/);
  assert.ok(limits.includes('sockets'), String(limits));
});

test('S84: a component that reads more bytes a second than it may gets all of them, later', async () => {
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data', 'large'), 'x'.repeat(60_000));
  const files = 'filesystem = [{ path = "./data", mount = "/", rights = ["read", "list"] }]\n';
  const { text, limits, ms } = await ran(
    fixture('wasi-tour'),
    `args = ["read", "/large"]\n${OUTPUT}${files}[components.task.limits]\nbytes-in-per-second = "40KiB"\n`,
  );
  assert.equal(text.replaceAll(/[^x]/g, '').length, 60_000);
  assert.ok(limits.includes('bytes-in-per-second'), String(limits));
  assert.ok(ms >= 400, `${ms} ms for 60,000 bytes at 40,960 a second`);
});

test('S84: a bucket that holds what the component may store is refused more by its own error', async () => {
  const toml = `[store]\ndirectory = "./kept"\n[components.services]\nsource = "${fixture('services')}"\n[components.services.limits]\nstorage = "100B"\n[components.services.grants]\nkeyvalue = ["default"]\n`;
  await using application = await started(toml);
  const set = (value: string): Promise<unknown> => {
    const base64 = Buffer.from(`default\na\n${value}`).toString('base64');
    return application.ask({ actor: 'services', op: '1 set', payload: { form: 'bytes', base64 }, timeoutMs: 20_000 });
  };
  await set('x'.repeat(90));
  await assert.rejects(set('x'.repeat(101)), /STORE_LIMIT|of 100 bytes/);
  await set('y');
  assert.equal(application.actors()[0]?.limits?.storage?.breaches, 1);
});

test('S84: a component that has as many requests under way as it may is refused another by its own error', async () => {
  const tour = fileURLToPath(new URL('../../fixtures/components/http/tour.wasm', import.meta.url));
  const toml = `[ingress]\nlisten = "127.0.0.1:0"\n[[http]]\nroute = "/*"\ncomponent = "tour"\n[components.tour]\nsource = "${tour}"\n[components.tour.limits]\nhttp-requests = 0\n[components.tour.grants]\nclock = true\nrandom = true\nhttp = ["http://127.0.0.1:*"]\n`;
  await using application = await started(toml);
  const address = application.application().ingress?.address ?? '';
  const response = await fetch(`${address}/flood`, { headers: { 'x-authority': '127.0.0.1:9', 'x-scheme': 'http' } });
  assert.equal(await response.text(), '0 connection-limit-reached');
  const told = application.events.filter(isBreach).map(({ limit }) => limit);
  assert.deepEqual(told, ['http-requests']);
});
