import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { failsWith } from '../../test/kit/fails-with.ts';
import { decide } from '../capability/index.ts';
import type { ApplicationConfig } from './application.ts';
import { loadApplication } from './load.ts';

interface Site {
  readonly grants: string;
  /** Beside `troupe.toml`. */
  readonly policy?: string;
  /** Of the machine. */
  readonly machine?: string;
  readonly component?: string;
}

async function withSite(site: Site, use: (config: ApplicationConfig, folder: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-policy-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const { component = 'parse' } = site;
  write('app/parse.wasm', '');
  write('app/data/secret/key', '');
  write('outside/x', '');
  symlinkSync(join(folder, 'outside'), join(folder, 'app', 'link'));
  write(
    'app/troupe.toml',
    `[application]\nname = "demo"\n[components.${component}]\nsource = "parse.wasm"\n[components.${component}.grants]\n${site.grants}`,
  );
  if (site.policy !== undefined) write('app/policy.toml', site.policy);
  if (site.machine !== undefined) write('machine.toml', site.machine);
  const environment = site.machine === undefined ? {} : { TROUPE_POLICY: join(folder, 'machine.toml') };
  try {
    use(await loadApplication(join(folder, 'app'), { environment: { LANG: 'C', HOME: '/', ...environment } }), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const EVERYTHING = `
clock = true
random = true
stdio = true
env = ["LANG", "HOME"]
http = ["https://*", "http://intranet.example"]
keyvalue = ["*"]
messaging = { tell = ["*"], publish = ["a.>"] }
network = { connect = ["tcp://*.example:*"] }
filesystem = [{ path = "data", mount = "/data", rights = ["read", "write"] }]
`;

test('a policy that allows is the bound of everything: what it does not name is not granted, and is told', async () => {
  const policy = `
[[allow]]
clock = true
stdio = ["stderr"]
env = ["LA*"]
http = ["https://api.example"]
messaging = { tell = ["report"] }
filesystem = [{ path = ".", rights = ["read"] }]
`;
  await withSite({ grants: EVERYTHING, policy }, ({ components: [parse], notices, policies }, folder) => {
    assert.deepEqual(parse?.grants, {
      filesystem: [{ hostPath: join(folder, 'app/data'), guestPath: '/data', rights: ['read'] }],
      clock: true,
      random: false,
      stdio: { stdin: false, stdout: false, stderr: true },
      env: ['LANG'],
      messaging: { tell: ['report'], ask: [], publish: [] },
      http: ['https://api.example'],
      network: { connect: [], listen: [], resolve: [] },
      keyvalue: [],
      secrets: [],
      deny: [],
    });
    assert.deepEqual(policies, [join(folder, 'app/policy.toml')]);
    assert.ok(notices.every(({ kind }) => kind === 'not-allowed'));
    assert.deepEqual(
      notices.map(({ message }) => message.replace(`${folder}/`, '').replace(`${folder}/`, '')),
      [
        'is granted the stream "stdin", which app/policy.toml does not allow; it does not get it',
        'is granted the stream "stdout", which app/policy.toml does not allow; it does not get it',
        'is granted write on "app/data", which app/policy.toml does not allow; it does not get it',
        'is granted random, which app/policy.toml does not allow; it does not get it',
        'is granted the environment variable "HOME", which app/policy.toml does not allow; it does not get it',
        'is granted publish "a.>", which app/policy.toml does not allow; it does not get it',
        'is granted HTTP requests to "http://intranet.example", which app/policy.toml does not allow; it does not get it',
        'is granted network connect "tcp://*.example:*", which app/policy.toml does not allow; it does not get it',
        'is granted the bucket "*", which app/policy.toml does not allow; it does not get it',
      ],
    );
  });
});

test('a policy that only denies leaves the rest, and its denials are decided request by request', async () => {
  const policy = `
[[deny]]
random = true
stdio = ["stdin"]
env = ["*"]
http = ["https://admin.example"]
filesystem = [{ path = "data/secret", rights = ["write"] }]
`;
  await withSite({ grants: EVERYTHING, policy }, ({ components: [parse] }) => {
    const grants = parse?.grants;
    assert.ok(grants !== undefined);
    assert.deepEqual([grants.clock, grants.random, grants.env], [true, false, []]);
    assert.deepEqual(grants.stdio, { stdin: false, stdout: true, stderr: true });
    // Who may write into a folder may write into what is in it.
    assert.deepEqual(grants.filesystem[0]?.rights, ['read']);
    assert.deepEqual(grants.http, ['https://*', 'http://intranet.example']);
    const https = (host: string) => decide(grants, { kind: 'http', scheme: 'https', host, port: 443 }).effect;
    assert.deepEqual([https('admin.example'), https('www.example')], ['deny', 'allow']);
  });
});

test('a rule is about the components that it names; with one that allows, others get nothing', async () => {
  const policy =
    '[[allow]]\ncomponents = ["tenant-*"]\nclock = true\n[[deny]]\ncomponents = ["tenant-b"]\nclock = true\n';
  const clockOf = async (component: string) => {
    let clock: boolean | undefined;
    await withSite({ grants: 'clock = true', policy, component }, ({ components: [only] }) => {
      clock = only?.grants.clock;
    });
    return clock;
  };
  assert.deepEqual(await Promise.all(['tenant-a', 'tenant-b', 'parse'].map(clockOf)), [true, false, false]);
});

test('the policy of the machine and the one of the application are bounds of their own', async () => {
  const site = { grants: 'http = ["https://*"]\nclock = true', policy: '[[allow]]\nhttp = ["https://*"]\n' };
  const machine = '[[allow]]\nhttp = ["https://a.example"]\nclock = true\n';
  await withSite({ ...site, machine }, ({ components: [parse], policies }) => {
    assert.deepEqual(parse?.grants.http, ['https://a.example']);
    assert.equal(parse?.grants.clock, false);
    assert.equal(policies.length, 2);
  });
});

test('a folder is where it really is: a link out of what is allowed is not granted', async () => {
  const grants = 'filesystem = [{ path = "link", mount = "/x", rights = ["read"] }]';
  const policy = '[[allow]]\nfilesystem = [{ path = "." }]\n';
  await withSite({ grants, policy }, ({ components: [parse] }) => assert.deepEqual(parse?.grants.filesystem, []));
  const wider = '[[allow]]\nfilesystem = [{ path = "../outside" }]\n';
  await withSite({ grants, policy: wider }, ({ components: [parse] }, folder) => {
    assert.equal(parse?.grants.filesystem[0]?.hostPath, join(folder, 'outside'));
  });
});

test('a policy that cannot be read, or says something unknown, is refused: nothing is granted by mistake', async () => {
  const never = () => assert.fail('it was accepted');
  await assert.rejects(
    withSite({ grants: '', policy: '[[allowed]]\nclock = true\n' }, never),
    failsWith('CONFIG_INVALID'),
  );
  await assert.rejects(
    withSite({ grants: '', machine: '[[deny]]\nhttp = ["*"]\n' }, never),
    failsWith('CONFIG_INVALID'),
  );
  await assert.rejects(
    withSite({ grants: '', machine: '[[deny]]\ncomponents = ["a*b"]\n' }, never),
    failsWith('CONFIG_INVALID'),
  );
  const folder = mkdtempSync(join(tmpdir(), 'troupe-policy-'));
  writeFileSync(join(folder, 'troupe.toml'), '[application]\nname = "demo"\n[components.a]\nsource = "troupe.toml"\n');
  const environment = { TROUPE_POLICY: join(folder, 'absent.toml') };
  await assert.rejects(loadApplication(folder, { environment }), failsWith('FILE_NOT_FOUND'));
  rmSync(folder, { recursive: true });
});
