import { printGranted } from './conditions.ts';
import { quote } from './decision.ts';
import type { FilesystemGrant, Granted } from './grants.ts';

/** Grants without these lines refuse; the same text is used at deploy and in a denial. */
export const GRANT_LINES = Object.freeze({ clock: 'clock = true', random: 'random = true', stdio: 'stdio = true' });

export function streamLine(stream: string): string {
  return `stdio = [${quote(stream)}]`;
}

export function envLine(name: string): string {
  return `env = [${quote(name)}]`;
}

export function secretLine(name: string): string {
  return `secrets = [${quote(name)}]`;
}

export function filesystemLine({ hostPath, guestPath, rights, only }: FilesystemGrant): string {
  const path = only?.[0] === undefined ? hostPath : `${hostPath}/${only[0]}`;
  return `filesystem = [{ path = ${quote(path)}, mount = ${quote(guestPath)}, rights = [${rights.map(quote).join(', ')}] }]`;
}

export function messagingLine(action: string, granted: Granted): string {
  return `messaging = { ${action} = [${printGranted(granted)}] }`;
}

export function keyValueLine(granted: Granted): string {
  return `keyvalue = [${printGranted(granted)}]`;
}

export function httpLine(granted: Granted): string {
  return `http = [${printGranted(granted)}]`;
}

export function networkLine(action: string, granted: Granted): string {
  return `network = { ${action} = [${printGranted(granted)}] }`;
}
