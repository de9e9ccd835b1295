/** The audit log of a real `troupe up`, sent to a real rsyslog. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectControl } from '../../src/client/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { until } from '../kit/process.ts';
import { NO_RSYSLOG, startRsyslog } from '../kit/rsyslog.ts';

test('S94: troupe up sends what is put on record to rsyslog, also what came while that was down', {
  skip: NO_RSYSLOG,
}, async () => {
  await using server = await startRsyslog();
  const toml = `[audit]
[[audit.ship]]
to = "syslog://127.0.0.1:${server.port}"
[components.echo]
source = "echo.wasm"
`;
  await withApplicationFolder({ fixtures: ['echo'], toml }, async ({ folder, up, call }) => {
    await up();
    const arrived = (text: string): boolean => server.messages().some((line) => line.includes(text));
    await until(
      () => arrived('"action":"component.up"'),
      () => `the start among ${server.messages().length} messages`,
    );
    await server.kill();
    await call('ask', 'echo', 'echo', 'x');
    await server.restart();
    // What the system took for the one that died is lost to it: syslog has no answers. What comes later arrives.
    const client = await connectControl({ dir: folder });
    await until(
      async () => {
        await client.tell({ actor: 'echo', op: 'after', payload: { form: 'bytes', base64: '' } });
        return arrived('"details":{"op":"after"}');
      },
      () => `a record after the restart among ${server.messages().length} messages`,
    );
    const [line = ''] = server.messages().filter((message) => message.includes('"action":"component.up"'));
    assert.match(line, /^13\.6 troupe lifecycle \{"seq":\d+,/);
    const record = JSON.parse(line.slice(line.indexOf('{')));
    assert.match(record.hash, /^[0-9a-f]{64}$/);
  });
});
