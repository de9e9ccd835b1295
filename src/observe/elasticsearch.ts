import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AuditRecord } from '../audit/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Clock, systemClock } from '../time/index.ts';
import type { Destination } from './shipper.ts';

/** Milliseconds for a batch to be taken and answered. */
const SEND_TIMEOUT_MS = 30_000;
/** Bytes of an answer: one of 500 records has 100 KB. */
const ANSWER_BYTES_MAX = 4_194_304;
/** Of one record: it is there already, from a try whose answer did not arrive. */
const CONFLICT = 409;

export interface ElasticsearchOptions {
  /** `https://search.example:9200/audit`: the last part is the index, or the data stream. */
  readonly url: URL;
  /** Value of the `authorization` header: `ApiKey …`. Asked for at each batch, so that it may change. */
  readonly authorization?: (() => string) | undefined;
  /** Certificates, in PEM, that sign the server's. Default: those that everybody trusts. */
  readonly ca?: string | undefined;
  readonly clock?: Clock;
}

/**
 * Sends to the bulk API of Elasticsearch, or of OpenSearch. The id of a document is the hash of its record: what is sent twice is
 * there once.
 */
export function elasticsearchDestination(options: ElasticsearchOptions): Destination {
  const { url } = options;
  const at = url.pathname.replace(/\/+$/, '');
  const index = decodeURIComponent(at.slice(at.lastIndexOf('/') + 1));
  const bulk = new URL(`${at.slice(0, at.lastIndexOf('/'))}/_bulk`, url);
  return {
    send: async (records, signal) => {
      const { status, text } = await post({ ...options, url: bulk }, toBulk(records, index), signal);
      if (status !== 200) throw unsent(bulk, `it answers ${status}`);
      checkAnswer(bulk, text);
    },
    close: () => undefined,
  };
}

function toBulk(records: readonly AuditRecord[], index: string): string {
  const lines = records.map((record) => {
    const action = JSON.stringify({ create: { _index: index, _id: record.hash } });
    return `${action}\n${JSON.stringify({ '@timestamp': record.time, ...record })}\n`;
  });
  return lines.join('');
}

/** A batch is taken if each of its records is, or was. */
function checkAnswer(url: URL, text: string): void {
  let items: unknown;
  try {
    ({ items } = JSON.parse(text));
  } catch (cause) {
    throw unsent(url, 'its answer is no JSON', cause);
  }
  if (!Array.isArray(items)) throw unsent(url, 'it answers something else than a bulk');
  const refused = items.find(({ create }) => !(create?.status < 300 || create?.status === CONFLICT));
  if (refused !== undefined) throw unsent(url, `it refuses a record with ${refused.create?.status ?? 'no status'}`);
}

function post(
  { url, authorization, ca, clock = systemClock }: ElasticsearchOptions,
  body: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      'content-length': Buffer.byteLength(body),
      ...(authorization !== undefined && { authorization: authorization() }),
    },
    signal,
    ...(ca !== undefined && { ca }),
  });
  const timer = clock.after(SEND_TIMEOUT_MS, () => request.destroy(new Error(`no answer in ${SEND_TIMEOUT_MS} ms`)));
  request.on('error', (error: NodeJS.ErrnoException) => {
    reject(unsent(url, `the system says ${error.code ?? error.message}`, error));
  });
  request.on('response', (response) => {
    const parts: Buffer[] = [];
    let size = 0;
    response.on('data', (part: Buffer) => {
      size += part.length;
      if (size > ANSWER_BYTES_MAX) request.destroy(new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`));
      else parts.push(part);
    });
    response.on('error', (error) => reject(unsent(url, error.message, error)));
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
    );
  });
  request.end(body);
  return promise.finally(() => timer.cancel());
}

/** The address without what may be secret in it. */
function unsent({ origin, pathname }: URL, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('AUDIT_UNSENT', `Cannot send records to ${origin}${pathname}: ${why}`, { cause });
}
