import type { Grants } from '../capability/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { wasiNeed } from '../wasi/index.ts';

const OURS = /^troupe:actor\/(messaging|types)@0\.1\.\d+$/;

/** One import as deployment sees it. */
export interface ImportNeed {
  /** As the binary names it. */
  readonly name: string;
  /**
   * `free`: linked without asking. `grant`: linked always, works as far as granted. `required-grant`: it cannot fail,
   * so it is linked only if granted. `unsupported`: nothing here implements it.
   */
  readonly need: 'free' | 'grant' | 'required-grant' | 'unsupported';
  /** The line to add under `[components.NAME.grants]`. */
  readonly line?: string;
  readonly granted: boolean;
}

/** What each import that the component's code can call needs, and whether `grants` give it. */
export function importNeeds(component: CompiledComponent, grants: Grants): ImportNeed[] {
  const names = new Set(component.calls.map((call) => call.split('#')[0] as string));
  return [...names].map((name) => importNeed(name, grants));
}

function importNeed(name: string, grants: Grants): ImportNeed {
  if (OURS.test(name)) {
    return {
      name,
      need: 'grant',
      line: 'messaging = { tell = ["NAME"], ask = ["NAME"], publish = ["TOPIC"] }',
      granted: grants.messaging !== undefined,
    };
  }
  const need = wasiNeed(name);
  if (need === undefined) return { name, need: 'unsupported', granted: false };
  if (need.kind === undefined) return { name, need: 'free', granted: true };
  const granted = grants[need.kind] !== undefined && grants[need.kind] !== false;
  return { name, need: need.required ? 'required-grant' : 'grant', line: need.line, granted };
}

/**
 * Refuses a component whose imports cannot be linked under `grants`, with everything that is missing and the lines to
 * add.
 *
 * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING`.
 */
export function checkImports(component: CompiledComponent, grants: Grants, label: string): void {
  const missing = importNeeds(component, grants).filter(
    (item) => item.need === 'unsupported' || (item.need === 'required-grant' && !item.granted),
  );
  if (missing.length === 0) return;
  const unsupported = missing.filter((item) => item.need === 'unsupported').map((item) => item.name);
  const lines = [...new Set(missing.flatMap((item) => item.line ?? []))];
  const parts: string[] = [];
  if (lines.length > 0) {
    const names = missing.filter((item) => item.line !== undefined).map((item) => item.name);
    parts.push(`${names.join(', ')} must be granted: add under [components.${label}.grants] ${lines.join(' and ')}`);
  }
  if (unsupported.length > 0) parts.push(`nothing here offers ${unsupported.join(', ')}`);
  throw new RuntimeError('COMPONENT_IMPORT_MISSING', `Cannot link component "${label}": ${parts.join('; ')}`, {
    details: { missing: missing.map((item) => item.name), lines },
  });
}
