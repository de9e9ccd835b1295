import type { Decision } from './decision.ts';
import type { CapabilityRequest, HttpRequest } from './requests.ts';

/** Decisions kept of one kind. When there are more, all are made anew: a guest chooses how many it wants. */
const ENTRIES_MAX = 256;

/** Characters of a name under which a decision is kept. */
const NAME_LENGTH_MAX = 256;

/** Of requests to one host the last one: a guest seldom speaks two languages with one server. */
interface HostEntry extends Pick<HttpRequest, 'scheme' | 'port' | 'method' | 'address'> {
  readonly decision: Decision;
}

/** Decisions by what was wanted, of those kinds in which a guest wants the same thing many times. */
export class DecisionCache {
  readonly #tell = new Map<string, Decision>();
  readonly #ask = new Map<string, Decision>();
  readonly #publish = new Map<string, Decision>();
  readonly #buckets = new Map<string, Decision>();
  readonly #hosts = new Map<string, HostEntry>();

  find(request: CapabilityRequest): Decision | undefined {
    if (request.kind === 'http') {
      const entry = this.#hosts.get(request.host);
      return entry !== undefined && isSame(entry, request) ? entry.decision : undefined;
    }
    if (request.kind === 'messaging') return this.#messages(request.action)?.get(request.target);
    return request.kind === 'keyvalue' ? this.#buckets.get(request.bucket) : undefined;
  }

  keep(request: CapabilityRequest, decision: Decision): void {
    if (request.kind === 'http') {
      const { scheme, port, method, address } = request;
      put(this.#hosts, request.host, { scheme, port, method, address, decision } as HostEntry);
    } else if (request.kind === 'messaging') put(this.#messages(request.action), request.target, decision);
    else if (request.kind === 'keyvalue') put(this.#buckets, request.bucket, decision);
  }

  #messages(action: string): Map<string, Decision> | undefined {
    if (action === 'tell') return this.#tell;
    if (action === 'ask') return this.#ask;
    return action === 'publish' ? this.#publish : undefined;
  }
}

function isSame(entry: HostEntry, { scheme, port, method, address }: HttpRequest): boolean {
  return entry.scheme === scheme && entry.port === port && entry.method === method && entry.address === address;
}

function put<Value>(map: Map<string, Value> | undefined, name: string, value: Value): void {
  if (map === undefined || name.length > NAME_LENGTH_MAX) return;
  if (map.size >= ENTRIES_MAX) map.clear();
  map.set(name, value);
}
