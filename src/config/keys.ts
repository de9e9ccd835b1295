import { rulesOf } from '../capability/index.ts';
import type { ConfigNotice, GrantsConfig, KeysConfig } from './application.ts';
import { intersectGrants, rulesOfAsks } from './grants.ts';
import type { AsksSection, GrantsSection } from './grants-section.ts';
import { boundGrants, type Policy, readPolicies } from './policy.ts';
import type { ConfigProblem } from './problems.ts';

/** Names the policy of the machine. */
const POLICY_VARIABLE = 'TROUPE_POLICY';

/** Both sides of what one component is granted. */
export interface KeysOf {
  /** Its name. */
  readonly component: string;
  readonly given: GrantsSection;
  /** `undefined`: the author says nothing, so the operator alone decides. */
  readonly asked: AsksSection | undefined;
}

/** What a component is granted, and of what that is made. */
export interface Turned {
  readonly grants: GrantsConfig;
  readonly keys: KeysConfig;
  readonly notices: readonly ConfigNotice[];
}

/** What the components of one application are granted: by both keys, within the policies. */
export class Keys {
  readonly #directory: string;
  readonly #policies: readonly Policy[];
  /** What is wrong with the policies. */
  readonly problems: readonly ConfigProblem[];

  /**
   * Reads the policies.
   *
   * @param directory Folder that the application is in.
   * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE` — one of them cannot be read.
   */
  static async read(directory: string, environment: Readonly<Record<string, string | undefined>>): Promise<Keys> {
    const { found, problems } = await readPolicies(directory, environment[POLICY_VARIABLE]);
    return new Keys(directory, found, problems);
  }

  private constructor(...[directory, policies, problems]: [string, readonly Policy[], readonly ConfigProblem[]]) {
    this.#directory = directory;
    this.#policies = policies;
    this.problems = problems;
  }

  /** Absolute paths of the policies. */
  get files(): string[] {
    return this.#policies.map(({ file }) => file);
  }

  async of({ component, given, asked }: KeysOf): Promise<Turned> {
    const sides = { component, directory: this.#directory, given };
    const both = intersectGrants({ ...sides, asked });
    const bounded = await boundGrants(component, both.grants, this.#policies);
    return {
      grants: bounded.grants,
      notices: [...both.notices, ...bounded.notices],
      keys: {
        asked: asked && rulesOfAsks(asked),
        given: rulesOf(intersectGrants({ ...sides, asked: undefined }).grants),
      },
    };
  }
}
