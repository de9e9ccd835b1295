import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import { denyRule } from './denies.ts';
import { printEndpoint } from './endpoints.ts';
import { type Grants, type MessagingGrant, type NetworkGrant, NO_GRANTS } from './grants.ts';
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
import type { CapabilityRequest } from './requests.ts';

/**
 * Puts a decision on record, and returns what holds: the decision, or a denial where it cannot be put there. It is called for
 * everything that a guest does, so it should be quick.
 */
export type RecordDecision = (request: CapabilityRequest, decision: Decision) => Decision;

/** A request as it stands on record. */
export interface RequestNames {
  /** The kind, and what of it: `filesystem.read`. */
  readonly action: string;
  /** On what: a guest's text, as it gave it. Absent where there is only one. */
  readonly resource?: string;
}

/** Names what is wanted and of what, for the audit log. */
export function namesOfRequest(request: CapabilityRequest): RequestNames {
  switch (request.kind) {
    case 'clock':
    case 'random':
      return { action: `${request.kind}.read` };
    case 'stdio':
      return { action: 'stdio.use', resource: request.stream };
    case 'env':
      return { action: 'env.read', resource: request.name };
    case 'filesystem':
      return { action: `filesystem.${request.right}`, resource: request.path };
    case 'messaging':
      return { action: `messaging.${request.action}`, resource: request.target };
    case 'keyvalue':
      return { action: 'keyvalue.open', resource: request.bucket };
    case 'secret':
      return {
        action: 'secret.use',
        resource: request.to === undefined ? request.name : `${request.name} to ${request.to}`,
      };
    case 'http': {
      const endpoint = printEndpoint(request);
      const resource = request.address === undefined ? endpoint : `${endpoint} at ${request.address}`;
      return { action: 'http.request', resource };
    }
    case 'network': {
      if (request.action === 'resolve') return { action: 'network.resolve', resource: request.name };
      const { transport: scheme, address: host, port } = request;
      return { action: `network.${request.action}`, resource: printEndpoint({ scheme, host, port }) };
    }
    default:
      return request satisfies never;
  }
}

/** The narrowest grant that allows what was decided, as a line of `troupe.toml`. Nothing, if none can. */
export function neededLine(request: CapabilityRequest, decision: Decision): string | undefined {
  if (decision.line !== undefined || decision.effect === 'deny') return decision.line;
  return decide(NO_GRANTS, request).line;
}

/** One thing that grants allow. */
export interface GrantedRule {
  /** As of {@link namesOfRequest}. */
  readonly action: string;
  /** As of the decisions that it makes. */
  readonly rule: string;
}

/** Everything that grants allow, one by one: what is granted and never used is found by it. */
export function rulesOf(grants: Grants): readonly GrantedRule[] {
  const { filesystem = [], stdio, env = [], secrets = [] } = grants;
  const rules: GrantedRule[] = [];
  for (const kind of ['clock', 'random'] as const)
    if (grants[kind] === true) rules.push({ action: `${kind}.read`, rule: GRANT_LINES[kind] });
  for (const stream of ['stdin', 'stdout', 'stderr'] as const)
    if (stdio?.[stream] === true) rules.push({ action: 'stdio.use', rule: streamLine(stream) });
  for (const name of env) rules.push({ action: 'env.read', rule: envLine(name) });
  for (const name of secrets) rules.push({ action: 'secret.use', rule: secretLine(name) });
  for (const grant of filesystem)
    for (const right of grant.rights) rules.push({ action: `filesystem.${right}`, rule: filesystemLine(grant) });
  rules.push(...patternRules(grants));
  return rules;
}

/** What of it is refused in any case, one by one. */
export function denialsOf({ deny = [] }: Grants): readonly GrantedRule[] {
  return deny.flatMap((denied) =>
    patternRules(denied).map(({ action, rule }) => ({ action, rule: denyRule(denied, rule) })),
  );
}

type Patterns = Pick<Grants, 'messaging' | 'network' | 'http' | 'keyvalue'>;

function patternRules({ messaging = {}, network = {}, http = [], keyvalue = [] }: Patterns): GrantedRule[] {
  const rules: GrantedRule[] = [];
  for (const action of ['tell', 'ask', 'publish', 'subscribe'] as const satisfies (keyof MessagingGrant)[])
    for (const target of messaging[action] ?? [])
      rules.push({ action: `messaging.${action}`, rule: messagingLine(action, target) });
  for (const bucket of keyvalue) rules.push({ action: 'keyvalue.open', rule: keyValueLine(bucket) });
  for (const pattern of http) rules.push({ action: 'http.request', rule: httpLine(pattern) });
  for (const action of ['connect', 'listen', 'resolve'] as const satisfies (keyof NetworkGrant)[])
    for (const pattern of network[action] ?? [])
      rules.push({ action: `network.${action}`, rule: networkLine(action, pattern) });
  return rules;
}
