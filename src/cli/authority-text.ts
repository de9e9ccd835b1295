import type { AuthorityReport, RuleInfo } from '../api/index.ts';
import { sanitizeLine } from './text.ts';

/** What a component asks for, is given and gets, for people. */
export function authorityLines(authority: AuthorityReport, title: (text: string) => string): string[] {
  const { asked, given, granted, denied, policies, differences, mode } = authority;
  const lines = [...section(title('Granted'), granted, 'nothing')];
  if (mode === 'observe') lines.push('  and, observed, what else it wants, within what is asked for and allowed');
  if (denied.length > 0) lines.push(...section(title('Refused whatever is granted'), denied, ''));
  lines.push(...section(title('Asked for, by Component.toml'), asked, 'nothing is said: the operator alone decides'));
  lines.push(...section(title('Given, by troupe.toml'), given, 'nothing'));
  if (policies.length > 0) lines.push('', title('Bounded by'), ...policies.map((file) => `  ${sanitizeLine(file)}`));
  if (differences.length > 0) lines.push('', title('Differences'));
  for (const { text, help } of differences) {
    lines.push(`  ${sanitizeLine(text)}`);
    if (help !== undefined) lines.push(`    ${sanitizeLine(help)}`);
  }
  return lines;
}

/** One line for each rule; the rights of one folder stand in one. */
function section(heading: string, rules: readonly RuleInfo[] | undefined, none: string): string[] {
  const texts = [...new Set((rules ?? []).map(({ rule }) => rule))];
  return ['', heading, ...(texts.length === 0 ? [none] : texts).map((text) => `  ${sanitizeLine(text)}`)];
}
