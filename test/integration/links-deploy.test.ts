/** Links that do not fit are refused before anything starts, by name and with what to do; `up` and `inspect` say what is missing. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JsonValue } from '../../src/api/index.ts';
import { compileComponent } from '../../src/component/index.ts';
import { componentEmbed, componentNew } from '../../src/component/tooling/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { ActorSystem, component, implement, type Links, protocol, type } from '../../src/index.ts';
import { type ApplicationEvent, inspectComponent, startApplication } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { makeForwarder, makeGuest } from '../kit/guests.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-links-'));
after(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/components/${name}/${name}.wasm`, import.meta.url));
const ops = (functions: string, version = '@1.0.0') => `package demo:calc${version}; interface ops { ${functions} } `;
const ADD = 'add: func(a: u32, b: u32) -> u32;';

/** What an import may find behind a link: the WIT of the interface, and what the refusal says. */
const MISFITS: readonly { name: string; wit: string; says: RegExp }[] = [
  {
    name: 'parameter',
    wit: ops('add: func(a: u32, b: u64) -> u32;'),
    says: /"demo:calc\/ops@1\.0\.0#add" cannot lead to "calc": expected u32, found u64 in parameter "b": it is called as func\(a: u32, b: u32\) -> u32 and there is func\(a: u32, b: u64\) -> u32; build both/,
  },
  {
    name: 'parameter-name',
    wit: ops('add: func(a: u32, c: u32) -> u32;'),
    says: /expected parameter "b", found "c": it is called as/,
  },
  { name: 'count', wit: ops('add: func(a: u32) -> u32;'), says: /expected 2 parameters, found 1: it is called as/ },
  { name: 'result', wit: ops('add: func(a: u32, b: u32);'), says: /expected u32, found nothing in the result: it is/ },
  {
    name: 'function',
    wit: ops('sub: func(a: u32) -> u32;'),
    says: /its "demo:calc\/ops@1\.0\.0" has no function "add"/,
  },
  {
    name: 'version',
    wit: ops(ADD, '@2.0.0'),
    says: /it exports "demo:calc\/ops@2\.0\.0", whose version is not compatible/,
  },
  {
    name: 'interface',
    wit: `package demo:other@1.0.0; interface ops { ${ADD} } `,
    says: /it does not export it; it exports "demo:other\/ops@1\.0\.0"/,
  },
];

async function write(name: string, bytes: Promise<Uint8Array>): Promise<string> {
  const file = join(folder, `${name}.wasm`);
  writeFileSync(file, await bytes);
  return file;
}

/** A component of the only world in `wit`, whose exports trap. */
const makeTrapping = async (wit: string): Promise<Uint8Array> => componentNew(await componentEmbed({ wit }));

/** One that exports the interface `ops` of `wit`. */
const exporting = (name: string, wit: string): Promise<string> =>
  write(name, makeTrapping(`${wit} world w { export ops; }`));

before(async () => {
  const wit = ops(ADD);
  const add =
    '(func (export "demo:calc/ops@1.0.0#add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))';
  await write('front', makeForwarder(`${wit} world w { import ops; export ops; }`));
  await write('calc', makeGuest(`${wit} world w { export ops; }`, { functions: add }));
  await write(
    'later',
    makeGuest(`${ops(ADD, '@1.4.2')} world w { export ops; }`, { functions: add.replace('1.0.0', '1.4.2') }),
  );
});

async function up(components: string, events: ApplicationEvent[] = []) {
  writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "test"\n${components}`);
  return startApplication(await loadApplication(folder), { onEvent: (event) => events.push(event) });
}

const FRONT = (link: string) => `[components.front]\nsource = "front.wasm"\n[components.front.links]\n${link}\n`;
const json = (value: JsonValue) => ({ form: 'json', value }) as const;

test('up links a component to another one, in a compatible version, and to all actors of it in turn', async () => {
  const components = `${FRONT('"demo:calc/ops@1.0.0" = { actor = "calc", timeout = "2s" }')}[components.calc]\nsource = "later.wasm"\ninstances = 2\n`;
  await using application = await up(components);
  const ask = () =>
    application.ask({ actor: 'front', op: 'demo:calc/ops#add', payload: json([2, 3]), timeoutMs: 5_000 });
  for (let round = 0; round < 4; round++) assert.deepEqual(await ask(), { form: 'json', value: 5 });
  const handled = application.actors().map(({ name, handled }) => [name, handled]);
  assert.deepEqual(handled, [
    ['front', 4],
    ['calc/1', 2],
    ['calc/2', 2],
  ]);
});

for (const { name, wit, says } of MISFITS) {
  test(`S34: up refuses a link that does not fit by its ${name}, and starts nothing`, async () => {
    const file = await exporting(name, wit);
    const events: ApplicationEvent[] = [];
    const started = up(`${FRONT('"demo:calc/ops" = "calc"')}[components.calc]\nsource = "${file}"\n`, events);
    await assert.rejects(started, failsWith('COMPONENT_LINK_INVALID', /^Cannot link component "front": /));
    await assert.rejects(started, failsWith('COMPONENT_LINK_INVALID', says));
    assert.deepEqual(
      events.filter(({ type }) => type === 'started'),
      [],
    );
  });
}

test('S34: up refuses a link to a component that has no exports to call', async () => {
  for (const [name, says] of [
    ['echo', /it takes messages, and has no exports/],
    ['hello', /it is a task, and has no/],
  ] as const) {
    const grants = '[components.calc.grants]\nclock = true\nrandom = true\n';
    const started = up(`${FRONT('"demo:calc/ops" = "calc"')}[components.calc]\nsource = "${fixture(name)}"\n${grants}`);
    await assert.rejects(started, failsWith('COMPONENT_LINK_INVALID', says));
  }
});

test('S34: up says once what is true of all functions of an interface', async () => {
  const links = '[components.values.links]\n"troupe:values/host" = "calc"\n';
  const started = up(
    `[components.values]\nsource = "${fixture('values')}"\n${links}[components.calc]\nsource = "calc.wasm"\n`,
  );
  await assert.rejects(
    started,
    failsWith(
      'COMPONENT_LINK_INVALID',
      /: "troupe:values\/host@0\.1\.0#map-\w+" \(and 2 more\) cannot lead to "calc": it does not export it; it exports "demo:calc\/ops@1\.0\.0"$/,
    ),
  );
});

test('up refuses, in the file, a link to what is not there', async () => {
  const started = up(`${FRONT('"demo:calc/ops" = "clac"')}[components.calc]\nsource = "calc.wasm"\n`);
  await assert.rejects(
    started,
    failsWith(
      'CONFIG_INVALID',
      /line 6: components\.front\.links\.demo:calc\/ops leads to no component or actor: "clac"; did you mean "calc"\?/,
    ),
  );
});

test('up reports every component that cannot be used in one error', async () => {
  const started = up(
    `[components.front]\nsource = "front.wasm"\n[components.tour]\nsource = "${fixture('wasi-tour')}"\n[components.calc]\nsource = "calc.wasm"\n`,
  );
  await assert.rejects(started, (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_IMPORT_MISSING'));
    assert.match(error.message, /^Cannot start "test": .*"demo:calc\/ops@1\.0\.0" = "ACTOR" \(and 1 more\)$/);
    const problems = error.details.problems as { key: string; code: string; message: string }[];
    assert.deepEqual(
      problems.map(({ key, code }) => [key, code]),
      [
        ['components.front', 'COMPONENT_IMPORT_MISSING'],
        ['components.tour', 'COMPONENT_IMPORT_MISSING'],
      ],
    );
    assert.deepEqual([error.details.summary, error.details.problemCount], ['Cannot start "test"', 2]);
    return true;
  });
});

/** Links that are refused whatever they lead to. */
const BAD_LINKS: readonly { what: string; links: Links; says: RegExp }[] = [
  {
    what: 'an import that it does not have',
    links: { 'demo:calc/opps': 'calc' },
    says: /it does not import "demo:calc\/opps"; did you mean "demo:calc\/ops"\?/,
  },
  {
    what: 'nothing like an import',
    links: { xyzzy: 'calc' },
    says: /it does not import "xyzzy"; it imports "demo:calc\/ops@1\.0\.0"/,
  },
  {
    what: 'another version',
    links: { 'demo:calc/ops@0.9.0': 'calc' },
    says: /it imports "demo:calc\/ops@1\.0\.0", with which "demo:calc\/ops@0\.9\.0" is not compatible/,
  },
];

for (const { what, links, says } of BAD_LINKS) {
  test(`component refuses a link of ${what}`, async () => {
    await assert.rejects(component(join(folder, 'front.wasm'), { links }), failsWith('COMPONENT_LINK_INVALID', says));
  });
}

test('component refuses a timeout that is none, and a link to nobody', async () => {
  const file = join(folder, 'front.wasm');
  for (const timeoutMs of [0, 1.5, 3_600_001, Number.NaN])
    await assert.rejects(component(file, { links: { 'demo:calc/ops': { actor: 'calc', timeoutMs } } }), RangeError);
  await assert.rejects(component(file, { links: { 'demo:calc/ops': { actor: [] } } }), RangeError);
});

test('S34: component refuses a reference to a component that does not fit, when it is made', async () => {
  await using system = await ActorSystem.create();
  const file = await exporting('reference', ops('add: func(a: string);'));
  const links = { 'demo:calc/ops': system.spawn(await component(file), 'calc') };
  await assert.rejects(
    component(join(folder, 'front.wasm'), { links }),
    failsWith('COMPONENT_LINK_INVALID', /cannot lead to "calc": expected 2 parameters, found 1/),
  );
});

test('component refuses by name to link imports that are about resources, and our own', async () => {
  const store =
    'interface store { resource bucket { get: func(key: string) -> string; } open: func(name: string) -> bucket; }';
  const bytes = await makeTrapping(`package demo:kv@1.0.0; ${store} world w { import store; export run: func(); }`);
  await assert.rejects(
    component(await compileComponent(bytes), { links: { 'demo:kv/store': 'kv' } }),
    failsWith(
      'COMPONENT_LINK_INVALID',
      /"demo:kv\/store@1\.0\.0#open" is about resources, whose handles do not travel/,
    ),
  );
  await assert.rejects(
    component(fixture('echo'), { links: { 'troupe:actor/messaging@0.1.0': 'x' } }),
    failsWith('COMPONENT_LINK_INVALID', /"troupe:actor\/messaging@0\.1\.0" is always answered by Troupe itself/),
  );
});

test('a link may stand in for an interface of WASI that has no resources, which then needs no grant', async () => {
  const wit = (version: string) =>
    `package wasi:random@${version}; interface random { get-random-u64: func() -> u64; } `;
  const world = 'world w { import random; export random; }';
  const guest = await compileComponent(await makeForwarder(`${wit('0.2.0')} ${world}`));
  await assert.rejects(component(guest), failsWith('COMPONENT_IMPORT_MISSING', /random = true/));
  const Fixed = protocol('demo:fixed', {
    ask: { 'wasi:random/random#get-random-u64': { in: type<readonly []>(), out: type<bigint>() } },
  });
  await using system = await ActorSystem.create();
  const ask = { 'wasi:random/random#get-random-u64': () => 4n };
  system.spawn(implement(Fixed, { init: () => undefined, ask }), 'fixed');
  const ref = system.spawn(await component(guest, { links: { 'wasi:random/random@0.2.3': 'fixed' } }));
  assert.equal(await ref.askOp('wasi:random/random#get-random-u64', []), 4n);
});

test('a link may stand for a function that the world imports itself', async () => {
  const wit = 'package demo:tops@1.0.0; world w { import next: func(n: u8) -> u8; export next: func(n: u8) -> u8; }';
  const guest = await compileComponent(await makeForwarder(wit));
  const Next = protocol('demo:next', { ask: { next: { in: type<readonly [n: number]>(), out: type<number>() } } });
  await using system = await ActorSystem.create();
  system.spawn(implement(Next, { init: () => undefined, ask: { next: (_, [n]) => n + 1 } }), 'next');
  const ref = system.spawn(await component(guest, { links: { next: 'next' } }));
  const twice = system.spawn(await component(guest, { links: { next: ref } }));
  assert.deepEqual([await ref.askOp('next', [1]), await twice.askOp('next', [5])], [2, 6]);
});

test('inspect shows the imports that need a link, with the line to add', async () => {
  const report = await inspectComponent(join(folder, 'front.wasm'));
  assert.deepEqual(
    report.imports.map(({ name, need, linkLine }) => ({ name, need, linkLine })),
    [{ name: 'demo:calc/ops@1.0.0', need: 'link', linkLine: '"demo:calc/ops@1.0.0" = "ACTOR"' }],
  );
  assert.deepEqual(report.refusals, []);
});

test('S34: a component that is found by its name does not answer calls of another type', async () => {
  await using system = await ActorSystem.create();
  system.spawn(await component(await exporting('named', ops('add: func(a: string);'))), 'calc');
  const links = { 'demo:calc/ops': 'calc' };
  const ref = system.spawn(await component(join(folder, 'front.wasm'), { links }), 'front');
  await assert.rejects(ref.askOp('demo:calc/ops#add', [1, 2]), (error) => {
    assert.ok(RuntimeError.is(error, 'ACTOR_FAILED') && RuntimeError.is(error.cause, 'COMPONENT_LINK_FAILED'));
    assert.deepEqual([error.cause.details.actor, error.cause.details.cause], ['calc', 'COMPONENT_LINK_INVALID']);
    assert.match(error.message, /expected 2 parameters, found 1: it is called as func\(a: u32, b: u32\) -> u32/);
    return true;
  });
});
