/**
 * Makes a fresh clone ready: installs the locked packages when they are missing or out of date, and does nothing,
 * quickly and silently, when they are not.
 *
 * Runs before `npm start` and `npm test` under whatever Node.js the machine has, before anything is installed.
 * Hence plain JavaScript, no dependency, and nothing newer than Node.js 20.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, 'node_modules', '.troupe-bootstrap');
/** Not in node_modules: `npm ci` begins by deleting that. */
const LOCK = join(ROOT, '.troupe', 'bootstrap.lock');
const NODE_BIN = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

/** What is made of packages, and not committed (`scripts/prepare.ts`). */
const PREPARED = ['src/component/preview1/command.wasm', 'examples/birdstrikes/board/board.wasm'];

/** Bootstrapping itself and npm need this much. */
const OLDEST_TO_INSTALL = 20;
/** WebAssembly stack switching is on by default from here; the locked development Node.js is newer. */
const OLDEST_TO_RUN = 24;
/** Longest wait for another bootstrap: a cold install on a slow line, with room to spare. */
const LOCK_DEADLINE_MS = 15 * 60_000;
const LOCK_POLL_MS = 250;
/** Removing a stale lock takes microseconds; who holds the turn longer has died. */
const TURN_EXPIRES_MS = 10_000;
/** Silence longer than this makes people wonder. */
const STILL_BUSY_MS = 15_000;
/** What is kept of npm's error output to find the cause. */
const TAIL_BYTES = 64 * 1024;

/** What to do, by what npm says. The first match counts. */
const ADVICE = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|network/i,
    'The npm registry cannot be reached. Check the connection and the proxy (`npm config get registry`, `npm config get proxy`); the first run needs the network, later ones do not.',
  ],
  [/ENOSPC/, 'The disk is full. The packages take about 500 MB.'],
  [/EACCES|EPERM/, 'A file may not be written. Check who owns this folder and the npm cache (`npm config get cache`).'],
  [
    /EUSAGE/,
    'package-lock.json does not fit package.json. Restore both: git checkout -- package.json package-lock.json.',
  ],
  [/EINTEGRITY/, 'A downloaded package differs from the locked one. Clear the cache: npm cache clean --force.'],
];

function say(text) {
  process.stderr.write(`troupe: ${text}\n`);
}

function major(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10);
}

/** The state that an install must match: the lock, and the platform that its binaries are for. */
function wanted() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

function isReady() {
  try {
    return readFileSync(STAMP, 'utf8') === wanted() && isPrepared();
  } catch {
    return false; // No stamp: never installed, or an install was cut short.
  }
}

function isPrepared() {
  return PREPARED.every((file) => existsSync(join(ROOT, file)));
}

/** Makes what a checkout does not hold. With the Node.js of the packages: this one may be too old for the sources. */
function prepare() {
  const node = existsSync(NODE_BIN) ? NODE_BIN : process.execPath;
  const script = join(ROOT, 'scripts', 'prepare.ts');
  const made = spawnSync(node, [script], { cwd: ROOT, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (made.status !== 0) fail(1, 'scripts/prepare.ts failed, as above. Run the same command again when that is mended');
}

/** Tells whether what npm installed last, by whatever command, is what the lock asks for. Then no second install is needed. */
function isInstalledByHand() {
  try {
    const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
    const installed = JSON.parse(readFileSync(join(ROOT, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    const isThere = ([path, entry]) =>
      !path.includes('node_modules/') ||
      (path in installed ? installed[path].version === entry.version : entry.optional === true);
    return Object.entries(locked).every(isThere) && (existsSync(NODE_BIN) || major(process.version) >= OLDEST_TO_RUN);
  } catch {
    return false; // Nothing installed, or not by a npm that we know: install.
  }
}

function reason() {
  if (!existsSync(join(ROOT, 'node_modules'))) return 'node_modules is missing';
  return existsSync(STAMP) ? 'package-lock.json has changed' : 'node_modules is not complete';
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // Alive, and somebody else's.
  }
}

/** The process that holds the lock: 0 for nobody, NaN for one that has not written its id (yet). */
function lockHolder() {
  try {
    return Number.parseInt(readFileSync(LOCK, 'utf8'), 10);
  } catch {
    return 0;
  }
}

/** Died, or is so long between creating the file and writing its id that it must have died. */
function isDead(holder) {
  if (!Number.isNaN(holder)) return holder > 0 && !isAlive(holder);
  return (
    Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY) > TURN_EXPIRES_MS
  );
}

/** Takes the lock if it is free. */
function tryLock() {
  try {
    writeFileSync(LOCK, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * Removes the lock of a process that died. Several may see the same dead holder, so they take turns: only who holds
 * the second file looks again and removes, hence never a lock that was taken meanwhile.
 */
function removeStaleLock() {
  const turn = `${LOCK}.removing`;
  const since = statSync(turn, { throwIfNoEntry: false })?.mtimeMs;
  if (since !== undefined && Date.now() - since > TURN_EXPIRES_MS) rmSync(turn, { force: true });
  try {
    writeFileSync(turn, '', { flag: 'wx' });
  } catch {
    return; // Another one is at it; the next round sees what is true then.
  }
  if (isDead(lockHolder())) rmSync(LOCK, { force: true });
  rmSync(turn, { force: true });
}

/** Resolves with true when the lock is ours, with false when another process made everything ready meanwhile. */
async function lock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  const deadline = Date.now() + LOCK_DEADLINE_MS;
  let told = false;
  while (!tryLock()) {
    const holder = lockHolder();
    if (isDead(holder)) {
      removeStaleLock();
      continue;
    }
    if (Date.now() > deadline) {
      fail(
        1,
        `Another set-up holds ${LOCK} for more than ${LOCK_DEADLINE_MS / 60_000} minutes. Delete the file if none runs.`,
      );
    }
    if (!told && holder > 0) say(`another set-up is at work (process ${holder}); waiting for it`);
    told ||= holder > 0;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    if (isReady()) return false;
  }
  return true;
}

function unlock() {
  if (lockHolder() === process.pid) rmSync(LOCK, { force: true });
}

function fail(exitCode, advice) {
  say(`Cannot set up: ${advice}`);
  unlock();
  process.exit(exitCode);
}

/** Runs npm with this Node.js and resolves with its exit code and the end of what it wrote to stderr. */
function npm(args) {
  const cli = process.env.npm_execpath;
  const [command, prefix] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  const child = spawn(command, [...prefix, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 2, 'pipe'], // stdout to stderr: it is never the output of the command that follows
    shell: process.platform === 'win32' && prefix.length === 0,
  });
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      interrupted = true;
      child.kill(signal);
    });
  }
  const started = Date.now();
  const busy = setInterval(
    () => say(`still installing (${Math.round((Date.now() - started) / 1000)} s)`),
    STILL_BUSY_MS,
  );
  let tail = '';
  child.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    tail = (tail + chunk).slice(-TAIL_BYTES);
  });
  return new Promise((resolve) => {
    const done = (code, more = '') => {
      clearInterval(busy);
      resolve({ code, tail: tail + more });
    };
    child.once('error', (error) => done(127, error.message));
    child.once('close', (code) => done(interrupted ? 130 : (code ?? 1)));
  });
}

/** The packages bring a Node.js for the common platforms; elsewhere the machine's own must do. */
function checkNode() {
  const probe = existsSync(NODE_BIN)
    ? spawnSync(NODE_BIN, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
    : undefined;
  const version = probe?.status === 0 ? probe.stdout.trim() : process.version;
  if (probe !== undefined && probe.status !== 0) {
    say("the Node.js that came with the packages does not run here; using this machine's own");
    rmSync(NODE_BIN, { force: true });
  }
  if (major(version) < OLDEST_TO_RUN) {
    fail(
      1,
      `Troupe needs Node.js ${OLDEST_TO_RUN} or newer, there is none to download for ${process.platform}-${process.arch}, and this is ${version}. Install one from https://nodejs.org`,
    );
  }
}

async function install() {
  say(`${reason()}: installing the locked packages into ${join(ROOT, 'node_modules')} (npm ci; once, about a minute)`);
  const started = Date.now();
  rmSync(STAMP, { force: true });
  const before = wanted();
  // Explicit, since NODE_ENV=production or a user's npmrc would leave out the tools and the development Node.js.
  const { code, tail } = await npm([
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (code === 130) fail(130, 'Interrupted. Run the same command again to continue');
  if (code !== 0) {
    const known = ADVICE.find(([pattern]) => pattern.test(tail));
    fail(
      code,
      `npm ci ended with exit code ${code}. ${known ? known[1] : 'Its own words are above.'} Then run the same command again`,
    );
  }
  checkNode();
  if (!isPrepared()) prepare();
  writeFileSync(STAMP, before);
  say(`ready after ${Math.round((Date.now() - started) / 1000)} s`);
}

if (major(process.version) < OLDEST_TO_INSTALL) {
  fail(
    1,
    `This is Node.js ${process.version}; ${OLDEST_TO_INSTALL} or newer is needed to begin. Install one from https://nodejs.org`,
  );
}
if (!isReady() && (await lock())) {
  if (isInstalledByHand()) {
    if (!isPrepared()) prepare();
    writeFileSync(STAMP, wanted());
  } else if (!isReady()) await install();
  unlock();
}
