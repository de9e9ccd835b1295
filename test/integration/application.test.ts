/** Applications without the command line: what starts, what is said of it, and what is left. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesPayload, payloadBytes } from '../../src/api/index.ts';
import { type ApplicationConfig, loadApplication } from '../../src/config/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { type Application, type ApplicationEvent, startApplication } from '../../src/runtime/index.ts';
import { until } from '../kit/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-application-'));
after(() => rmSync(folder, { recursive: true }));

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/components/${name}/${name}.wasm`, import.meta.url));

async function configOf(components: string): Promise<ApplicationConfig> {
  writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "test"\n${components}`);
  return loadApplication(folder);
}

interface Started {
  readonly events: ApplicationEvent[];
  readonly application: Application;
}

async function start(config: ApplicationConfig, events: ApplicationEvent[] = []): Promise<Started> {
  return { events, application: await startApplication(config, { onEvent: (event) => events.push(event) }) };
}

const of = (events: readonly ApplicationEvent[], type: ApplicationEvent['type']): unknown[] =>
  events.filter((event) => event.type === type).map((event) => event.actor);

const ECHO = `[components.echo]\nsource = "${fixture('echo')}"\n[components.echo.grants]\nmessaging = { tell = ["*"] }\n`;

test('R1: startApplication starts nothing when one of its components cannot be used', async () => {
  const events: ApplicationEvent[] = [];
  const config = await configOf(`${ECHO}[components.bench]\nsource = "${fixture('bench')}"\n`);
  await assert.rejects(start(config, events), (error) => RuntimeError.is(error, 'COMPONENT_IMPORT_MISSING'));
  assert.deepEqual(of(events, 'started'), []);
});

test('R1: startApplication stops what it has spawned when the rest cannot be', async () => {
  const events: ApplicationEvent[] = [];
  const config = await configOf(ECHO);
  const twice = {
    ...config,
    components: [...config.components, ...config.components.map((component) => ({ ...component }))],
  };
  await assert.rejects(start(twice, events), (error) => RuntimeError.is(error, 'NAME_TAKEN'));
  assert.deepEqual(of(events, 'stopped'), ['echo']);
});

test('S52: startApplication keeps what is published for components that say so, and ends subscriptions that its file names no more', async () => {
  const grants = '[components.NAME.grants]\nmessaging = { tell = ["*"], publish = ["news.*"] }\n';
  const component = (name: string, more = ''): string =>
    `[components.${name}]\nsource = "${fixture('echo')}"\n${more}${grants.replace('NAME', name)}`;
  const kept = 'subscribe = [{ topic = "news.*", delivery = "at-least-once" }]\n';
  const ask = async ({ application }: Started, what: string, text = ''): Promise<string> => {
    const [actor = '', op = ''] = what.split(' ');
    const reply = await application.ask({ actor, op, payload: bytesPayload(Buffer.from(text)), timeoutMs: 5_000 });
    return Buffer.from(reply.form === 'bytes' ? payloadBytes(reply) : []).toString();
  };
  /** Waits until an actor has handled a message more than it was asked here. */
  const handled = async (started: Started, actor: string): Promise<void> => {
    for (let asked = 1; asked <= 400; asked++) {
      if (Number(await ask(started, `${actor} count`)) > asked) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.fail(`"${actor}" has not got the message`);
  };
  const first = await start(await configOf(`${component('other')}${component('reader', kept)}`));
  assert.equal(await ask(first, 'other publish', 'news.today\n!'), '1');
  await handled(first, 'reader');
  await first.application.stop();
  const second = await start(await configOf(`${component('other', kept)}${component('reader')}`));
  assert.equal(await ask(second, 'other publish', 'news.today\n!'), '1');
  assert.equal(await ask(second, 'reader count'), '1', 'its subscription was ended');
  await handled(second, 'other');
  await second.application.stop();
});

test('startApplication refuses a subscription of a component that takes no messages', async () => {
  const config = await configOf(
    `${ECHO}[components.values]\nsource = "${fixture('hello')}"\nsubscribe = ["news"]\n${'[components.values.grants]\nclock = true\nrandom = true\n'}`,
  );
  await assert.rejects(start(config), (error) => {
    assert.ok(RuntimeError.is(error, 'CONFIG_INVALID'), String(error));
    assert.match(
      error.message,
      /components\.values\.subscribe stands at a component that does not export troupe:actor\/handler.*; take it out$/,
    );
    return true;
  });
});

test('R2, R3: what happens to an actor is an event; stop ends all of them and leaves nothing to wait for', async () => {
  const { events, application } = await start(await configOf(ECHO));
  await application.idle;
  const told = (type: ApplicationEvent['type']): Promise<void> =>
    until(
      () => of(events, type).length > 0,
      () => `no event "${type}"`,
    );
  await told('started');
  assert.deepEqual(of(events, 'started'), ['echo']);
  const payload = bytesPayload(new Uint8Array());
  await assert.rejects(application.ask({ actor: 'echo', op: 'trap', payload, timeoutMs: 10_000 }));
  await told('restarted');
  assert.deepEqual(of(events, 'restarted'), ['echo']);
  await application.stop();
  assert.deepEqual(of(events, 'stopped'), ['echo']);
  assert.deepEqual(
    application.actors().map((actor) => actor.state),
    ['stopped'],
  );
  await application.idle;
});
