import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, Rate } from '../time/index.ts';
import { FILE_SETTINGS, FILE_SYSTEM } from './filesystem/index.ts';
import { Guest, Parts } from './guest/index.ts';
import { HTTP_USE } from './http/index.ts';
import { BYTE_RATES } from './io/index.ts';
import { SOCKET_SETTINGS, SOCKETS } from './sockets/index.ts';
import { guestUse } from './use.ts';

test('guestUse tells what a guest has, and makes nothing that it has not used', async () => {
  const shared = new Parts()
    .set(FILE_SETTINGS, { openFilesMax: 3, preopens: [] })
    .set(SOCKET_SETTINGS, { socketsMax: 3, drainMs: 0 })
    .set(BYTE_RATES, { in: new Rate(1_000), out: new Rate(Number.POSITIVE_INFINITY) });
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 10, shared });
  const before = guestUse(guest);
  assert.deepEqual(
    { ...before, bytesIn: before.bytesIn?.perSecond },
    { handles: 0, openFiles: 0, sockets: 0, httpRequests: 0, bytesIn: 1_000, bytesOut: undefined },
  );
  assert.equal(guest.known(SOCKETS), undefined);
  guest.hold();
  guest.part(SOCKETS).enter({ abandon: () => undefined });
  guest.part(HTTP_USE).outgoing = 2;
  const opened = await guest.part(FILE_SYSTEM).open.openFile('/dev/null', 0);
  before.bytesIn?.spend(400);
  const { handles, openFiles, sockets, httpRequests, bytesIn } = guestUse(guest);
  assert.deepEqual([handles, openFiles, sockets, httpRequests, bytesIn?.level], [1, 1, 1, 2, 600]);
  opened.abandon();
  await guest.dispose();
});
