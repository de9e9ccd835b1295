/** Attempts on what the operator keeps: manifests, policies, artifacts, the audit log. Each has a form that is taken. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseAskRequest } from '../../src/api/index.ts';
import { AuditLog, verifyAudit } from '../../src/audit/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { digestOf, loadComponent } from '../../src/host/index.ts';

const base = mkdtempSync(join(tmpdir(), 'troupe-operator-'));
after(() => rmSync(base, { recursive: true, force: true }));
let folders = 0;
function freshFolder(): string {
  const folder = join(base, String(++folders));
  mkdirSync(folder);
  return folder;
}

const ECHO = new URL('../../fixtures/components/echo/echo.wasm', import.meta.url);

async function load(toml: string, policy?: string) {
  const folder = freshFolder();
  writeFileSync(join(folder, 'echo.wasm'), readFileSync(ECHO));
  writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "a"\n${toml}`);
  if (policy !== undefined) writeFileSync(join(folder, 'policy.toml'), policy);
  return loadApplication(folder);
}

function isUnharmed(): void {
  assert.equal(Object.getOwnPropertyNames(Object.prototype).includes('granted'), false);
  assert.equal(({} as { granted?: unknown }).granted, undefined);
}

describe('files that would reach a prototype, or grant by a trick', () => {
  const ONE = '[components.echo]\nsource = "./echo.wasm"\n';
  for (const [what, toml] of [
    ['a key of the file', `${ONE}[__proto__]\ngranted = true\n`],
    ['a name of a component', '[components.__proto__]\nsource = "./echo.wasm"\n'],
    ['a key of the configuration', `${ONE}[components.echo.config.__proto__]\ngranted = true\n`],
    ['a variable', `${ONE}[components.echo.env]\n__proto__ = "x"\n`],
    ['a constructor', `${ONE}[components.echo.constructor.prototype]\ngranted = true\n`],
    ['a grant of a kind that is none', `${ONE}[components.echo.grants]\neverything = true\n`],
    ['a grant beside the component', `${ONE}[grants]\nclock = true\n`],
    ['the same table twice', `${ONE}[components.echo.grants]\nclock = false\n[components.echo.grants]\nclock = true\n`],
  ] as const) {
    test(`nothing comes of ${what}; a file without it is taken`, async () => {
      const outcome = await load(toml).then(
        ({ components }) =>
          components.map(({ grants }) => [grants.clock, Object.getPrototypeOf(grants) === Object.prototype]),
        (error: unknown) => (RuntimeError.is(error) ? error.code : String(error)),
      );
      if (typeof outcome === 'string') assert.equal(outcome, 'CONFIG_INVALID');
      else assert.deepEqual(outcome, [[false, true]]);
      isUnharmed();
      const { components } = await load(`${ONE}[components.echo.grants]\nclock = true\n`);
      assert.equal(components[0]?.grants.clock, true);
    });
  }

  for (const [what, policy] of [
    ['an unknown key', '[[allow]]\nclock = true\neverything = true\n'],
    ['no TOML', '[[allow\n'],
    ['a prototype', '[__proto__]\nallow = []\n'],
    ['a component of no name', '[[allow]]\ncomponents = ["ec ho"]\nclock = true\n'],
  ] as const) {
    test(`a policy with ${what} grants nothing; one without does`, async () => {
      const toml = `${ONE}[components.echo.grants]\nclock = true\n`;
      await assert.rejects(load(toml, policy), (error: unknown) => RuntimeError.is(error, 'CONFIG_INVALID'));
      isUnharmed();
      assert.equal((await load(toml, '[[allow]]\nclock = true\n')).components[0]?.grants.clock, true);
      assert.equal((await load(toml, '[[allow]]\nrandom = true\n')).components[0]?.grants.clock, false);
    });
  }

  test('a message in JSON reaches no prototype; its own keys arrive', () => {
    const parse = (text: string) => parseAskRequest(JSON.parse(text));
    const request = (value: string, more = '') =>
      `{"op":"x","payload":{"form":"json","value":${value}},"timeoutMs":5${more}}`;
    for (const key of ['__proto__', 'constructor', 'prototype'])
      assert.throws(() => parse(request('[]', `,"${key}":{"granted":true}`)), { code: 'MESSAGE_INVALID' });
    assert.deepEqual(Object.keys(parse(request('[{"__proto__":{"granted":true}}]'))).sort(), [
      'op',
      'payload',
      'timeoutMs',
    ]);
    isUnharmed();
    assert.deepEqual(parse(request('[{"granted":true}]')).payload, { form: 'json', value: [{ granted: true }] });
  });
});

describe('artifacts that were changed', () => {
  const bytes = readFileSync(ECHO);
  const digest = digestOf(bytes);
  for (const [what, change] of [
    ['a byte', (copy: Buffer) => copy.fill((copy[copy.length - 1] ?? 0) ^ 1, copy.length - 1)],
    ['a section behind it', (copy: Buffer) => Buffer.concat([copy, Buffer.from([0, 2, 1, 65])])],
    ['its end', (copy: Buffer) => copy.subarray(0, -1)],
  ] as const) {
    test(`nobody runs one of which ${what} is another; the one that is pinned runs`, async () => {
      const file = join(freshFolder(), 'echo.wasm');
      writeFileSync(file, change(Buffer.from(bytes)));
      await assert.rejects(loadComponent(file, { sha256: digest }), (error: unknown) => {
        assert.ok(RuntimeError.is(error, 'COMPONENT_INVALID'));
        assert.match(error.message, new RegExp(`pinned to ${digest}`));
        return true;
      });
      writeFileSync(file, bytes);
      assert.ok(await loadComponent(file, { sha256: digest }));
    });
  }
});

describe('records that were changed', () => {
  const FILE = 'audit-000001.jsonl';
  async function logged(): Promise<{ readonly folder: string; readonly lines: string[] }> {
    const folder = freshFolder();
    {
      await using log = await AuditLog.open({ directory: folder });
      for (const resource of ['a', 'b', 'c'])
        await log.append({ kind: 'capability', action: 'messaging.tell', outcome: 'deny', actor: 'guest', resource });
    }
    return { folder, lines: readFileSync(join(folder, FILE), 'utf8').trimEnd().split('\n') };
  }
  for (const [what, change] of [
    ['a word of one', (lines: string[]) => lines.map((line) => line.replace('"deny"', '"allow"'))],
    ['one that was taken out', (lines: string[]) => lines.filter((line) => !line.includes('"b"'))],
    ['the end cut off', (lines: string[]) => lines.slice(0, -1)],
    ['two exchanged', (lines: string[]) => [...lines.slice(0, -2), lines.at(-1) ?? '', lines.at(-2) ?? '']],
    ['one again', (lines: string[]) => [...lines, lines.at(-1) ?? '']],
    ['one made up', (lines: string[]) => [...lines, (lines.at(-1) ?? '').replace('"c"', '"d"')]],
    [
      'one with two values of a key',
      (lines: string[]) => lines.map((line) => line.replace('"outcome":"deny"', '"outcome":"deny","outcome":"allow"')),
    ],
  ] as const) {
    test(`nobody hides ${what}; an untouched log is whole`, async () => {
      const { folder, lines } = await logged();
      assert.deepEqual((await verifyAudit(folder)).problems, []);
      writeFileSync(join(folder, FILE), `${change(lines).join('\n')}\n`);
      assert.notDeepEqual((await verifyAudit(folder)).problems, []);
    });
  }

  test('a text of a guest forges no line and no colour; it stands in its record as it is', async () => {
    const folder = freshFolder();
    const forged = 'x"}\n{"kind":"operator","action":"grant.added"}\u001b[31m\u2028';
    {
      await using log = await AuditLog.open({ directory: folder });
      await log.append({
        kind: 'capability',
        action: 'messaging.tell',
        outcome: 'deny',
        actor: 'guest',
        resource: forged,
      });
    }
    const text = readFileSync(join(folder, FILE), 'utf8');
    assert.ok(!text.includes('\u001b') && !text.includes('\n{"kind":"operator"'));
    assert.ok(
      text
        .trimEnd()
        .split('\n')
        .some((line) => JSON.parse(line).resource === forged),
    );
    assert.deepEqual((await verifyAudit(folder)).problems, []);
  });
});
