/** What a real program over wasi-libc does to its surroundings: the event loop, the descriptors, those who read it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { type CompiledComponent, type ComponentInstance, compileComponent } from '../../src/component/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { bufferSink, defineWasi, type Guest, readableSource, type Stdio, writableSink } from '../../src/wasi/index.ts';

let tour: CompiledComponent;
let base: string;
let folder: string;

before(async () => {
  const file = new URL('../../fixtures/components/wasi-tour/wasi-tour.wasm', import.meta.url);
  tour = await compileComponent(await readFile(file));
  base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-wasi-')));
  folder = join(base, 'work');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'content');
});

after(() => rmSync(base, { recursive: true, force: true }));

interface Running {
  readonly guest: Guest;
  readonly instance: ComponentInstance;
  readonly ended: Promise<unknown>;
}

async function start(commands: string, stdio: Stdio = {}): Promise<Running> {
  const wasi = defineWasi({
    clockGranted: true,
    randomGranted: true,
    args: ['wasi-tour', ...commands.split(' ')],
    preopens: [{ hostPath: folder, guestPath: '/work', rights: ['read', 'write', 'list', 'delete'] }],
  });
  const guest = wasi.guest({ clock: systemClock, stdio });
  const instance = await tour.instantiate(wasi.interfaces, { context: guest });
  const main = tour.exports.find(({ name }) => name.startsWith('wasi:cli/run@'));
  assert.ok(main);
  const ended = instance.call(main.name);
  // A test that fails before it waits shall not end the process with this as well.
  ended.catch(() => undefined);
  return { guest, instance, ended };
}

const isKilled = (error: unknown) => RuntimeError.is(error, 'COMPONENT_KILLED');

function descriptorsBelow(top: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(top) ? [target] : [];
    } catch {
      // The descriptor that listed the folder is closed by now.
      return [];
    }
  });
}

test('W2: a guest that sleeps leaves the event loop free for others', async () => {
  const sleeper = await start('sleep 100000000');
  const others = await Promise.all(Array.from({ length: 10 }, () => start('sleep 50')));
  await Promise.all(others.map(({ ended }) => ended));
  sleeper.instance.kill();
  await assert.rejects(sleeper.ended, isKilled);
  for (const { guest } of [sleeper, ...others]) await guest.dispose();
});

test('W4: a guest that waits for input that never comes can be killed, and keeps nothing', async () => {
  const stdin = new PassThrough();
  const { guest, instance, ended } = await start('cat', { stdin: readableSource(stdin) });
  instance.kill();
  await assert.rejects(ended, isKilled);
  await guest.dispose();
  assert.deepEqual(descriptorsBelow(base), []);
});

test('W4: disposing of WASI alone ends a guest that waits', async () => {
  const { guest, ended } = await start('cat', { stdin: readableSource(new PassThrough()) });
  await guest.dispose();
  await assert.rejects(ended, isKilled);
});

test('W4: a guest that sleeps for ages can be killed and leaves no timer', async () => {
  const { guest, instance, ended } = await start('sleep 100000000');
  instance.kill();
  await assert.rejects(ended, isKilled);
  await guest.dispose();
});

test('a FIFO in the folder holds nobody up', async () => {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  const stderr = bufferSink();
  for (const command of ['read /work/fifo', 'write /work/fifo x', 'append /work/fifo x']) {
    const { guest, ended } = await start(command, { stderr });
    await assert.rejects(ended, (error) => RuntimeError.is(error, 'COMPONENT_EXITED') && error.details.status === 1);
    await guest.dispose();
  }
  assert.match(stderr.text(), /^(?:\w+: Operation not permitted\n){3}$/);
});

test('a guest that prints faster than its reader reads waits for it, and loses nothing', async () => {
  const text = 'line\n'.repeat(100_000);
  writeFileSync(join(folder, 'long'), text);
  let received = '';
  let most = 0;
  const slow = new Writable({
    highWaterMark: 1_024,
    write(chunk, _encoding, callback) {
      received += chunk;
      most = Math.max(most, slow.writableLength);
      setImmediate(callback);
    },
  });
  const { guest, ended } = await start('read /work/long', { stdout: writableSink(slow) });
  assert.equal(((await ended) as { tag: string }).tag, 'ok');
  await guest.dispose();
  assert.equal(received, text);
  assert.ok(most <= 131_072, `${most} bytes waited for the reader`);
});

test('a guest whose reader goes away is told so, and the process lives', async () => {
  const gone = new PassThrough();
  gone.destroy();
  const { guest, ended } = await start('read /work/file', { stdout: writableSink(gone) });
  await ended.catch((error) => assert.ok(RuntimeError.is(error)));
  await guest.dispose();
});

test('W4: two hundred lives of a guest that uses files leave no descriptor open', async () => {
  const commands = 'write /work/n hello -- append /work/n ! -- read /work/n -- list /work -- unlink /work/n';
  for (let life = 0; life < 200; life += 1) {
    const { guest, instance, ended } = await start(commands);
    if (life % 2 === 0) await ended;
    else instance.kill();
    await ended.catch((error) => assert.ok(isKilled(error)));
    await guest.dispose();
  }
  assert.deepEqual(descriptorsBelow(base), []);
});
