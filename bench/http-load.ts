/**
 * Child process of the HTTP benchmark: keeps connections busy, one request at a time on each, and counts answers. It does as
 * little as can be done: it learns the length of the first answer and counts bytes from then on, so every answer has to
 * be as long as the first.
 *
 *     node http-load.ts PORT CONNECTIONS [PATH]
 *
 * Takes `{ seconds }`, answers `{ requests, seconds, all }`: answers within that time, which begins when all connections are
 * busy, how long it was, and all answers.
 */
import { connect, type Socket } from 'node:net';

const [port, connections] = process.argv.slice(2, 4).map(Number) as [number, number];
const [, , , , path = '/hello?n=1'] = process.argv;
const REQUEST = Buffer.from(
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\nUser-Agent: troupe-bench\r\n\r\n`,
);

let answers = 0;
let running = false;
const idle: (() => void)[] = [];

function answerBytes(text: string): number | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head));
  if (length === null || !text.startsWith('HTTP/1.1 200')) throw new Error(`No answer to count: ${text.slice(0, 200)}`);
  return head + 4 + Number(length[1]);
}

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1', resolve);
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.on('close', () => {
      throw new Error('The server closed a connection');
    });
    let got = 0;
    let wanted = 0;
    let first = '';
    socket.on('data', (chunk) => {
      got += chunk.length;
      if (wanted === 0) {
        first += chunk.toString('latin1');
        wanted = answerBytes(first) ?? 0;
      }
      if (wanted === 0 || got < wanted) return;
      if (got > wanted) throw new Error('An answer is longer than the first one');
      got = 0;
      answers++;
      if (running) socket.write(REQUEST);
      else idle.push(() => socket.write(REQUEST));
    });
    idle.push(() => socket.write(REQUEST));
  });
}

const allIdle = async (): Promise<void> => {
  while (idle.length < connections) await new Promise((resolve) => setImmediate(resolve));
};

await Promise.all(Array.from({ length: connections }, open));
process.on('message', async ({ seconds }: { seconds: number }) => {
  await allIdle();
  const first = answers;
  running = true;
  for (const start of idle.splice(0)) start();
  await new Promise((resolve) => setTimeout(resolve, seconds * 100));
  const before = answers;
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const requests = answers - before;
  const measured = (performance.now() - started) / 1000;
  running = false;
  await allIdle();
  process.send?.({ requests, seconds: measured, all: answers - first });
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
