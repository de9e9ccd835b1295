/**
 * Child process of the HTTP benchmark: sends bytes to a server that echoes them, and reads what comes back, both as fast as
 * the server lets it.
 *
 *     node http-stream.ts PORT
 *
 * Takes `{ bytes }`, answers `{ seconds }` when all of them came back.
 */
import { request } from 'node:http';

const [port] = process.argv.slice(2).map(Number) as [number];
const CHUNK = Buffer.alloc(65_536, 'x');

function echo(bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = request({ port, host: '127.0.0.1', path: '/echo', method: 'POST', agent: false }, (response) => {
      let got = 0;
      response.on('data', (chunk: Buffer) => {
        got += chunk.length;
      });
      response.on('error', reject);
      response.on('end', () => (got === bytes ? resolve() : reject(new Error(`${got} of ${bytes} bytes came back`))));
    });
    sending.on('error', reject);
    let left = bytes;
    const send = (): void => {
      while (left > 0) {
        const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
        left -= chunk.length;
        if (!sending.write(chunk)) return;
      }
      sending.end();
    };
    sending.on('drain', send);
    send();
  });
}

process.on('message', async ({ bytes }: { bytes: number }) => {
  const started = performance.now();
  await echo(bytes);
  process.send?.({ seconds: (performance.now() - started) / 1000 });
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
