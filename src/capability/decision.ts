/** What the request comes to, and why. */
export interface Decision {
  readonly effect: 'allow' | 'deny';
  /** The grant that decided, as it would stand in `troupe.toml`; `'default'` when none did, `'observe'` when it is only observed. */
  readonly rule: string;
  /** One sentence for the operator, without a full stop. */
  readonly reason: string;
  /** The line that would allow it, to be put under `[components.NAME.grants]`. Not on a denial that no grant can end. */
  readonly line?: string;
  /** It holds until then, in milliseconds since 1970. */
  readonly untilMs?: number;
  /** It is let through, and would be denied if it were not observed. */
  readonly observed?: true;
}

export function allow(rule: string): Decision {
  return { effect: 'allow', rule, reason: `Allowed by the grant ${rule}` };
}

/** @param line Absent when no grant could allow it. */
export function deny(what: string, line?: string): Decision {
  const reason = `No grant covers ${what}`;
  if (line === undefined) return { effect: 'deny', rule: 'default', reason };
  return { effect: 'deny', rule: 'default', reason: `${reason}; to allow it, add ${line}`, line };
}

/** @param denied What it would be. */
export function observe(denied: Decision): Decision {
  return { ...denied, effect: 'allow', rule: 'observe', observed: true };
}

/** @param rule The one that refuses, whatever is granted. */
export function refuse(rule: string): Decision {
  return { effect: 'deny', rule, reason: `Refused by ${rule}` };
}

/** Characters of a name that are shown; a guest chooses names and shall not fill the log. */
const QUOTED_LENGTH_MAX = 200;

/** A TOML string. JSON's escapes are valid in TOML's basic strings. */
export function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text);
}
