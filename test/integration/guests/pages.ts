/** A component for `javascript-guests.test.ts`: what HTTP needs of `troupe/guest`. */
import { Failure, Headers, RequestError, request, serve } from 'troupe/guest';

let served = 0;

function* lines(count: number) {
  for (let line = 1; line <= count; line++) yield `line ${line} ${'.'.repeat(1_000)}\n`;
}

export const incomingHandler = serve(async (incoming) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  served += 1;
  switch (incoming.path) {
    case '/text':
      return `Hello, ${incoming.query('name')}!`;
    case '/json':
      return { status: 201, headers: { 'x-served': String(served) }, body: { method: incoming.method } };
    case '/echo': {
      const headers = new Headers();
      headers.append('x-type', incoming.headers.get('content-type') ?? 'none');
      headers.append('set-cookie', 'a=1');
      headers.append('set-cookie', 'b=2');
      return { headers, body: incoming.body.bytes() };
    }
    case '/count': {
      let bytes = 0;
      for (const chunk of incoming.body) bytes += chunk.length;
      return { body: { bytes } };
    }
    case '/lines':
      return { body: lines(Number(incoming.query('count'))) };
    case '/nothing':
      return { status: 204 };
    case '/number':
      return { body: (incoming.json() as { number: number }).number };
    case '/missing':
      throw new Failure('not-found', 'NO_PAGE', 'There is no such page');
    case '/mistake':
      return (undefined as unknown as { text: string }).text;
    case '/proxy':
      return proxy(incoming.query('url') ?? '', incoming.method, incoming.text());
    default:
      return { status: 404 };
  }
});

function proxy(url: string, method: string, body: string) {
  try {
    const response = request(url, { method, headers: { 'x-from': 'guest' }, ...(body !== '' && { body }) });
    return { status: response.status, body: { type: response.headers.get('content-type'), text: response.text() } };
  } catch (error) {
    return { status: 502, body: error instanceof RequestError ? error.code : String(error) };
  }
}
