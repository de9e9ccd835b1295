import { decideHttp, decideNetwork } from './decide-network.ts';
import { allow, type Decision, deny, keyValueLine, messagingLine, observe, quote } from './decision.ts';
import { denialOf } from './denies.ts';
import type { FilesystemGrant, FilesystemRight, Grants, MessagingGrant } from './grants.ts';
import { isBucketName, isWithinFolder, matchesBucket, matchesName, matchesTopic } from './patterns.ts';
import type { CapabilityRequest } from './requests.ts';

/** Grants without these lines refuse; the same text is used at deploy and in a denial. */
export const GRANT_LINES = Object.freeze({ clock: 'clock = true', random: 'random = true', stdio: 'stdio = true' });

/**
 * Decides one request. Whatever no grant covers is denied, and so is what a denial stands for. Pure: the same arguments give the same answer.
 *
 * @param grants What the operator gives.
 * @param request What is wanted. Its texts may come from a guest; they are compared and quoted, never interpreted.
 * @example
 * ```ts
 * decide({ messaging: { tell: ['report'] } }, { kind: 'messaging', action: 'tell', target: 'report' }).effect; // 'allow'
 * ```
 */
export function decide(grants: Grants, request: CapabilityRequest): Decision {
  const decision = decideGranted(grants, request);
  // Of what is denied, no grant to add is named: none would help.
  const denial = denialOf(grants.deny, request);
  if (denial !== undefined || decision.effect === 'allow') return denial ?? decision;
  const isObserved = grants.observe !== undefined && decideGranted(grants.observe, request).effect === 'allow';
  return isObserved ? observe(decision) : decision;
}

function decideGranted(grants: Grants, request: CapabilityRequest): Decision {
  switch (request.kind) {
    case 'clock':
      return grants.clock === true ? allow(GRANT_LINES.clock) : deny('reading a clock', GRANT_LINES.clock);
    case 'random':
      return grants.random === true ? allow(GRANT_LINES.random) : deny('random numbers', GRANT_LINES.random);
    case 'stdio': {
      const line = `stdio = [${quote(request.stream)}]`;
      return grants.stdio?.[request.stream] === true ? allow(line) : deny(`the stream ${quote(request.stream)}`, line);
    }
    case 'env': {
      const line = `env = [${quote(request.name)}]`;
      return grants.env?.includes(request.name) ? allow(line) : deny(`the variable ${quote(request.name)}`, line);
    }
    case 'secret': {
      const line = `secrets = [${quote(request.name)}]`;
      return grants.secrets?.includes(request.name) ? allow(line) : deny(`the secret ${quote(request.name)}`, line);
    }
    case 'filesystem':
      return decideFilesystem(grants.filesystem ?? [], request);
    case 'messaging':
      return decideMessaging(grants.messaging ?? {}, request);
    case 'keyvalue':
      return decideKeyValue(grants.keyvalue ?? [], request.bucket);
    case 'http':
      return decideHttp(grants.http ?? [], request);
    case 'network':
      return decideNetwork(grants.network ?? {}, request);
    default:
      return request satisfies never;
  }
}

type FilesystemRequest = Extract<CapabilityRequest, { kind: 'filesystem' }>;
type MessagingRequest = Extract<CapabilityRequest, { kind: 'messaging' }>;

function decideFilesystem(grants: readonly FilesystemGrant[], { path, right }: FilesystemRequest): Decision {
  const covering = grants.filter((grant) => isWithinFolder(grant.guestPath, path));
  const grant = covering.find((candidate) => candidate.rights.includes(right));
  if (grant !== undefined) return allowedByFolder(grant, right);
  const nearest = covering[0] ?? { hostPath: '.', guestPath: path, rights: [] };
  const line = filesystemLine({ ...nearest, rights: [...nearest.rights, right] });
  return deny(`the right ${quote(right)} on ${quote(path)}`, line);
}

/** What the grant of a folder comes to for what is reached through the folder itself, whatever that is called. */
export function allowedByFolder(grant: FilesystemGrant, right: FilesystemRight): Decision {
  return { ...allow(filesystemLine(grant)), line: filesystemLine({ ...grant, rights: [right] }) };
}

function decideMessaging(grant: MessagingGrant, { action, target }: MessagingRequest): Decision {
  const matches = action === 'tell' || action === 'ask' ? matchesName : matchesTopic;
  const pattern = grant[action]?.find((candidate) => matches(candidate, target));
  if (pattern !== undefined) return allow(messagingLine(action, pattern));
  return deny(`${quote(action)} to ${quote(target)}`, messagingLine(action, target));
}

function decideKeyValue(patterns: readonly string[], bucket: string): Decision {
  if (!isBucketName(bucket)) return deny(`the bucket ${quote(bucket)}, and no bucket can have that name`);
  const pattern = patterns.find((candidate) => matchesBucket(candidate, bucket));
  if (pattern !== undefined) return allow(keyValueLine(pattern));
  return deny(`the bucket ${quote(bucket)}`, keyValueLine(bucket));
}

export function filesystemLine({ hostPath, guestPath, rights }: FilesystemGrant): string {
  return `filesystem = [{ path = ${quote(hostPath)}, mount = ${quote(guestPath)}, rights = [${rights.map(quote).join(', ')}] }]`;
}
