import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent, AuditSink } from '../audit/index.ts';
import { decide, type Grants } from '../capability/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { ComponentAudit } from './component-audit.ts';

const GRANTS: Grants = {
  clock: true,
  messaging: { tell: ['report'] },
  filesystem: [{ hostPath: '/srv', guestPath: '/data', rights: ['read', 'write'] }],
};

function setUp() {
  const notes: AuditEvent[] = [];
  const sink = { failure: undefined as RuntimeError | undefined, counting: new Set<{ flush(): void }>() };
  const note = (event: AuditEvent): void => void notes.push(event);
  const audit = new ComponentAudit(Object.assign(sink, { note, watch: () => () => undefined }) as AuditSink, {
    component: 'parse',
    revision: 'abc',
  });
  const tell = (target: string) => {
    const request = { kind: 'messaging', action: 'tell', target } as const;
    return audit.decide('parse/1', request, decide(GRANTS, request));
  };
  const flush = (): void => {
    for (const tally of sink.counting) tally.flush();
  };
  return { notes, sink, audit, tell, flush };
}

test('S93: ComponentAudit puts the first of each decision on record with who, what, rule and revision, then how often', () => {
  const { notes, tell, flush } = setUp();
  for (let round = 0; round < 1_000; round++) {
    assert.equal(tell('report').effect, 'allow');
    assert.equal(tell('stranger').effect, 'deny');
  }
  assert.equal(notes.length, 2);
  flush();
  const about = { component: 'parse', revision: 'abc', actor: 'parse/1', kind: 'capability', action: 'messaging.tell' };
  const allowed = { ...about, outcome: 'allow', resource: 'report', rule: 'messaging = { tell = ["report"] }' };
  const denied = { ...about, outcome: 'deny', resource: 'stranger', rule: 'default' };
  assert.partialDeepStrictEqual(notes[0], allowed);
  assert.partialDeepStrictEqual(notes[1], denied);
  assert.partialDeepStrictEqual(notes.slice(2), [
    { ...allowed, count: 999 },
    { ...denied, count: 999 },
  ]);
});

test('S92: ComponentAudit denies what cannot be put on record, and nothing when it can be again', () => {
  const { sink, tell } = setUp();
  sink.failure = new RuntimeError('AUDIT_UNAVAILABLE', 'Cannot write the audit log: the disk is full');
  const decision = tell('report');
  assert.deepEqual([decision.effect, decision.rule], ['deny', 'audit']);
  assert.match(decision.reason, /the disk is full/);
  assert.equal(tell('stranger').rule, 'default');
  sink.failure = undefined;
  assert.equal(tell('report').effect, 'allow');
});

test('S93: ComponentAudit leaves a bounded number of records of a guest that asks for a million things', () => {
  const { notes, tell, flush } = setUp();
  for (let target = 0; target < 20_000; target++) tell(`stranger-${target}`);
  assert.ok(notes.length <= 256, `${notes.length} records`);
  flush();
  const counted = notes.reduce((sum, { count = 1 }) => sum + count, 0);
  assert.equal(counted, 20_000);
  assert.equal(notes.at(-1)?.resource, '…');
});

test('ComponentAudit puts each grant on record, and which of them the imports use', () => {
  const { notes, audit } = setUp();
  audit.noteStart(GRANTS, ['wasi:clocks/wall-clock@0.2.3']);
  const rows = notes.map(({ kind, action, rule }) => `${kind} ${action} ${rule ?? ''}`.trim());
  assert.deepEqual(rows, [
    'lifecycle component.up',
    'grant clock.read clock = true',
    'capability clock.read clock = true',
    'grant filesystem.read filesystem = [{ path = "/srv", mount = "/data", rights = ["read", "write"] }]',
    'grant filesystem.write filesystem = [{ path = "/srv", mount = "/data", rights = ["read", "write"] }]',
    'grant messaging.tell messaging = { tell = ["report"] }',
  ]);
});
