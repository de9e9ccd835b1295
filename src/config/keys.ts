import { rulesOf } from '../capability/index.ts';
import type { ConfigNotice, GrantsConfig, KeysConfig } from './application.ts';
import { intersectGrants, rulesOfAsks, type Sides } from './grants.ts';
import { type AsksSection, type GrantsSection, RIGHTS } from './grants-section.ts';
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
  /** `observe`: what the operator does not give is let through, and told. */
  readonly mode: 'enforce' | 'observe';
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

  async of({ component, given, asked, mode }: KeysOf): Promise<Turned> {
    const sides = { component, directory: this.#directory, given };
    const { grants, notices } = await this.#turn({ ...sides, asked });
    const everything = { ...sides, asked, given: { ...EVERYTHING, filesystem: withEveryRight(given) } };
    return {
      grants: mode === 'enforce' ? grants : { ...grants, observe: (await this.#turn(everything)).grants },
      notices,
      keys: {
        asked: asked && rulesOfAsks(asked),
        given: rulesOf(intersectGrants({ ...sides, asked: undefined }).grants),
      },
    };
  }

  async #turn(sides: Sides): Promise<Pick<Turned, 'grants' | 'notices'>> {
    const both = intersectGrants(sides);
    const bounded = await boundGrants(sides.component, both.grants, this.#policies);
    return { grants: bounded.grants, notices: [...both.notices, ...bounded.notices] };
  }
}

/**
 * What is let through where the operator's key is only observed. Names and addresses of the public internet: nothing shall reach
 * a private network because somebody wants to find out what is needed. Variables and streams are given, not wanted.
 */
const EVERYTHING: GrantsSection = {
  clock: true,
  random: true,
  messaging: { tell: ['*'], ask: ['*'], publish: ['>'] },
  http: ['https://*:*', 'http://*:*'],
  network: { connect: ['tcp://*:*', 'udp://*:*'], listen: ['tcp://*:*', 'udp://*:*'], resolve: ['*'] },
  keyvalue: ['*'],
};

/** Other folders are not there for a guest: it cannot want them. */
function withEveryRight({ filesystem = [] }: GrantsSection): NonNullable<GrantsSection['filesystem']> {
  return filesystem.map((folder) => (folder.path.includes('*') ? folder : { ...folder, rights: [...RIGHTS] }));
}
