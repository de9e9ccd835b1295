import type { Circumstances } from './conditions.ts';
import { decideHttp, decideNetwork, type NetworkRules } from './decide-network.ts';
import { allow, type Decision, deny, observe, quote } from './decision.ts';
import { DecisionCache } from './decision-cache.ts';
import { Denials } from './denies.ts';
import { type EndpointPattern, parseEndpointPattern, parseHostPattern } from './endpoints.ts';
import type { FilesystemGrant, FilesystemRight, Grants, MessagingGrant } from './grants.ts';
import {
  envLine,
  filesystemLine,
  GRANT_LINES,
  httpLine,
  keyValueLine,
  messagingLine,
  networkLine,
  secretLine,
  streamLine,
} from './lines.ts';
import { isBucketName, isWithinFolder, matchesBucket, matchesName, matchesTopic } from './patterns.ts';
import type { CapabilityRequest, MessagingRequest } from './requests.ts';
import { firstOf, type Moment, type Rule, rulesFrom } from './rules.ts';

/** Where the time is. */
interface WallClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
}

const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

/**
 * What one component may do: its grants, read once and copied, so that nobody can change them afterwards. Decisions that were
 * made are kept; what depends on more than their place, or on the time, is decided anew.
 */
export class Authority {
  /** A copy. */
  readonly grants: Grants;
  readonly #granted: GrantRules;
  readonly #observed: GrantRules | undefined;
  readonly #denials: Denials;
  readonly #clock: WallClock;
  readonly #cache = new DecisionCache();

  /** @param clock When grants end. */
  constructor(grants: Grants, clock: WallClock) {
    this.grants = copyGrants(grants);
    this.#clock = clock;
    this.#granted = new GrantRules(this.grants);
    this.#observed = this.grants.observe && new GrantRules(this.grants.observe);
    this.#denials = new Denials(this.grants.deny);
  }

  /**
   * Decides one request. Whatever no grant covers is denied, and so is what a denial stands for.
   *
   * @param request What is wanted. Its texts may come from a guest; they are compared and quoted, never interpreted.
   */
  decide(request: CapabilityRequest): Decision {
    const known = this.#cache.find(request);
    if (known !== undefined && (known.untilMs === undefined || this.#clock.wallMs() < known.untilMs)) return known;
    const decision = this.decideAnew(request);
    const isSized = this.#granted.isSized(request) || this.#observed?.isSized(request) === true;
    if (!isSized) this.#cache.keep(request, decision);
    return decision;
  }

  /** As {@link decide}, whatever was decided before. */
  decideAnew(request: CapabilityRequest): Decision {
    const moment = { request: request as Circumstances, wallMs: () => this.#clock.wallMs() };
    const decision = this.#granted.decide(request, moment);
    // Of what is denied, no grant to add is named: none would help.
    const denial = this.#denials.of(request);
    if (denial !== undefined || decision.effect === 'allow') return denial ?? decision;
    const observed = this.#observed?.decide(request, moment);
    if (observed?.effect !== 'allow') return decision;
    return { ...observe(decision), ...(observed.untilMs !== undefined && { untilMs: observed.untilMs }) };
  }
}

/** Grants, read. */
class GrantRules {
  readonly #clock: boolean;
  readonly #random: boolean;
  readonly #streams: ReadonlyMap<string, Decision>;
  readonly #env: ReadonlyMap<string, Decision>;
  readonly #secrets: ReadonlyMap<string, Decision>;
  readonly #folders: readonly FilesystemGrant[];
  readonly #messaging: Readonly<Record<keyof MessagingGrant, readonly Rule<string>[]>>;
  readonly #buckets: readonly Rule<string>[];
  readonly #http: readonly Rule<EndpointPattern>[];
  readonly #network: NetworkRules;

  constructor(grants: Grants) {
    const { clock, random, stdio, env = [], secrets = [], filesystem = [] } = grants;
    const { messaging, keyvalue, http, network } = grants;
    const asIs = (pattern: string): string => pattern;
    const read = parseEndpointPattern;
    const toThe = (action: keyof MessagingGrant) =>
      rulesFrom(messaging?.[action], { read: asIs, line: (granted) => messagingLine(action, granted) });
    this.#clock = clock === true;
    this.#random = random === true;
    this.#streams = new Map(
      STREAMS.flatMap((name) => (stdio?.[name] === true ? [[name, allow(streamLine(name))]] : [])),
    );
    this.#env = new Map(env.map((name) => [name, allow(envLine(name))]));
    this.#secrets = new Map(secrets.map((name) => [name, allow(secretLine(name))]));
    this.#folders = filesystem;
    this.#messaging = {
      tell: toThe('tell'),
      ask: toThe('ask'),
      publish: toThe('publish'),
      subscribe: toThe('subscribe'),
    };
    this.#buckets = rulesFrom(keyvalue, { read: asIs, line: keyValueLine });
    this.#http = rulesFrom(http, { read, line: httpLine });
    this.#network = {
      connect: rulesFrom(network?.connect, { read, line: (granted) => networkLine('connect', granted) }),
      listen: rulesFrom(network?.listen, { read, line: (granted) => networkLine('listen', granted) }),
      resolve: rulesFrom(network?.resolve, {
        read: parseHostPattern,
        line: (granted) => networkLine('resolve', granted),
      }),
    };
  }

  /** Whether what is decided of such a request depends on its size. */
  isSized(request: CapabilityRequest): boolean {
    if (request.kind !== 'messaging') return false;
    return this.#messaging[request.action].some(({ when }) => when?.sizeBytes !== undefined);
  }

  decide(request: CapabilityRequest, moment: Moment): Decision {
    switch (request.kind) {
      case 'clock':
        return this.#clock ? allow(GRANT_LINES.clock) : deny('reading a clock', GRANT_LINES.clock);
      case 'random':
        return this.#random ? allow(GRANT_LINES.random) : deny('random numbers', GRANT_LINES.random);
      case 'stdio': {
        const { stream } = request;
        return this.#streams.get(stream) ?? deny(`the stream ${quote(stream)}`, streamLine(stream));
      }
      case 'env':
        return this.#env.get(request.name) ?? deny(`the variable ${quote(request.name)}`, envLine(request.name));
      case 'secret':
        return this.#secrets.get(request.name) ?? deny(`the secret ${quote(request.name)}`, secretLine(request.name));
      case 'filesystem':
        return decideFilesystem(this.#folders, request);
      case 'messaging':
        return decideMessaging(this.#messaging[request.action], request, moment);
      case 'keyvalue':
        return decideKeyValue(this.#buckets, request.bucket, moment);
      case 'http':
        return decideHttp(this.#http, request, moment);
      case 'network':
        return decideNetwork(this.#network, request, moment);
      default:
        return request satisfies never;
    }
  }
}

type FilesystemRequest = Extract<CapabilityRequest, { kind: 'filesystem' }>;

function decideFilesystem(grants: readonly FilesystemGrant[], { path, right }: FilesystemRequest): Decision {
  const covering = grants.filter((grant) => isWithinFolder(grant.guestPath, path));
  const grant = covering.find((candidate) => candidate.rights.includes(right));
  if (grant !== undefined) return allowedByFolder(grant, right);
  const nearest = covering[0] ?? { hostPath: '.', guestPath: path, rights: [] };
  const line = filesystemLine({ ...nearest, rights: [...nearest.rights, right] });
  return deny(`the right ${quote(right)} on ${quote(path)}`, line);
}

function allowedByFolder(grant: FilesystemGrant, right: FilesystemRight): Decision {
  return { ...allow(filesystemLine(grant)), line: filesystemLine({ ...grant, rights: [right] }) };
}

function decideMessaging(rules: readonly Rule<string>[], request: MessagingRequest, moment: Moment): Decision {
  const { action, target, sizeBytes } = request;
  const matches = action === 'tell' || action === 'ask' ? matchesName : matchesTopic;
  const found = firstOf(rules, moment, (pattern) => matches(pattern, target));
  if (found !== undefined) return found;
  const isKnown = rules.some(({ read }) => matches(read, target));
  const size = isKnown && sizeBytes !== undefined ? ` of ${sizeBytes} bytes` : '';
  return deny(`${quote(action)} to ${quote(target)}${size}`, messagingLine(action, target));
}

function decideKeyValue(rules: readonly Rule<string>[], bucket: string, moment: Moment): Decision {
  if (!isBucketName(bucket)) return deny(`the bucket ${quote(bucket)}, and no bucket can have that name`);
  const found = firstOf(rules, moment, (pattern) => matchesBucket(pattern, bucket));
  return found ?? deny(`the bucket ${quote(bucket)}`, keyValueLine(bucket));
}

/** A copy that nobody can change. */
export function copyGrants(grants: Grants): Grants {
  return freeze(structuredClone(grants));
}

/** Plain data, all the way down. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
