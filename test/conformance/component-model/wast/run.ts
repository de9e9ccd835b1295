/** Runs one script of WebAssembly's test format against the engine, and says what passed, what was left out and what is wrong. */
import assert from 'node:assert/strict';
import {
  type CompiledComponent,
  type CompileOptions,
  type ComponentInstance,
  compileComponent,
  type FuncType,
} from '../../../../src/component/index.ts';
import { parseWat } from '../../../../src/component/tooling/index.ts';
import { RuntimeError } from '../../../../src/errors/index.ts';
import { plain } from '../kit.ts';
import { PARTS, scriptHost } from './host.ts';
import { atomAt, headOf, type List, readScript, stringOf } from './text.ts';
import { readValue } from './values.ts';

/** What came of a script. */
export interface Outcome {
  passed: number;
  /** How many directives were left out, by the reason. */
  readonly skipped: Map<string, number>;
  /** What the engine does wrong, with the line. */
  readonly failed: string[];
}

/** A directive that cannot be run, for a reason that is no fault of the engine. */
class Skip extends Error {}

/** Proposals that are not part of WASI 0.2, as the engine names them when it refuses them. */
const LATER =
  /WASI 0\.3|threads|64-bit|64 bits|garbage|shared memory|shared core types|component-level|fixed-length|map types|custom page|pages of another size/;

/** The same for a proposal about names, which the engine does not know by name: namespaces inside namespaces. */
const NESTED_NAMES = /"[a-z]+:[a-z:]+" is not in lower kebab case/;

/** What Wasmtime refuses, by its own message, though the Component Model has it. */
const WASMTIME_REFUSES = /not supported|not implemented|feature is not active/;

const REASONS = {
  newer: 'the text is newer than the assembler',
  refused: 'the assembler refuses the text itself',
  untyped: 'host functions have no types, and imports that nothing uses are not asked for',
  parts: 'a host gives core modules as bytes, not those that another instance exports',
  wasmtime: 'only Wasmtime refuses it',
  parents: 'the Canonical ABI lets a component and the ones inside it call each other',
  strings: 'a string is allocated once, at its final size',
  depends: 'it needs a component that was left out',
} as const;

/**
 * @param mode `run` instantiates what the script defines; `validate` only compiles it, as scripts for a validator want.
 */
export async function runScript(text: string, mode: 'run' | 'validate'): Promise<Outcome> {
  const script = new Script(text, mode);
  for (const directive of readScript(text)) await script.run(directive);
  return script.outcome;
}

class Script {
  readonly outcome: Outcome = { passed: 0, skipped: new Map(), failed: [] };
  readonly #text: string;
  readonly #mode: 'run' | 'validate';
  readonly #definitions = new Map<string, CompiledComponent | Skip>();
  readonly #instances = new Map<string, ComponentInstance | Skip>();
  readonly #made = new Map<ComponentInstance, CompiledComponent>();
  readonly #host = scriptHost();
  #current: ComponentInstance | Skip | undefined;

  constructor(text: string, mode: 'run' | 'validate') {
    this.#text = text;
    this.#mode = mode;
  }

  async run(directive: List): Promise<void> {
    const { outcome } = this;
    try {
      await this.#execute(directive);
      outcome.passed++;
    } catch (error) {
      if (error instanceof Skip) {
        outcome.skipped.set(error.message, (outcome.skipped.get(error.message) ?? 0) + 1);
        return;
      }
      const line = this.#text.slice(0, directive.start).split('\n').length;
      outcome.failed.push(`line ${line}, ${headOf(directive)}: ${describe(error)}`);
    }
  }

  #execute(directive: List): Promise<unknown> {
    switch (headOf(directive)) {
      case 'component':
        return this.#component(directive);
      case 'assert_invalid':
      case 'assert_malformed':
        return this.#refused(directive);
      case 'assert_unlinkable':
        return this.#unlinkable(directive);
      case 'assert_return':
        return this.#returns(directive);
      case 'invoke':
        return this.#invoke(directive);
      case 'assert_trap':
        return this.#traps(directive);
      default:
        throw new Skip(`the directive "${headOf(directive)}" is not about components`);
    }
  }

  // ── components ──

  async #component(list: List): Promise<void> {
    const form = atomAt(list, 1);
    if (form === 'instance') {
      const definition = this.#definitions.get(atomAt(list, 3) ?? '') ?? new Skip(REASONS.depends);
      await this.#remember(atomAt(list, 2), () => this.#instantiate(definition));
    } else if (form === 'definition') {
      const name = atomAt(list, 2);
      const component = await this.#compile(list).catch(skipOnly);
      if (name?.startsWith('$')) this.#definitions.set(name, component);
      if (component instanceof Skip) throw component;
    } else if (this.#mode === 'validate') await this.#validates(list);
    else
      await this.#remember(form?.startsWith('$') ? form : undefined, async () =>
        this.#instantiate(await this.#compile(list)),
      );
  }

  /** Whether it is valid is known before anything is linked. */
  async #validates(list: List): Promise<void> {
    await this.#compile(list).catch((error: unknown) => {
      if (!(error instanceof Skip && error.message === REASONS.parts)) throw error;
    });
  }

  async #remember(name: string | undefined, make: () => Promise<ComponentInstance>): Promise<void> {
    const instance = await make().catch((error: unknown) => {
      this.#current = new Skip(REASONS.depends);
      if (name !== undefined) this.#instances.set(name, this.#current);
      throw error;
    });
    this.#current = instance;
    if (name !== undefined) this.#instances.set(name, instance);
  }

  async #instantiate(component: CompiledComponent | Skip): Promise<ComponentInstance> {
    if (component instanceof Skip) throw component;
    const instance = await component.instantiate(this.#host);
    this.#made.set(instance, component);
    return instance;
  }

  async #compile(list: List): Promise<CompiledComponent> {
    const bytes = await this.#assemble(list).catch((error: unknown) => {
      throw error instanceof Skip ? error : new Skip(REASONS.newer);
    });
    return compileComponent(bytes, OPTIONS).catch((error: unknown) => this.#refusal(error));
  }

  /** What a refusal says: nothing about the engine if a proposal, or a part that is not at hand, is the reason. */
  #refusal(error: unknown): never {
    if (RuntimeError.is(error, 'COMPONENT_IMPORT_MISSING')) throw new Skip(REASONS.parts);
    return laterProposal(error);
  }

  /** The binary of `(component …)`, which may be given as bytes or as quoted text. */
  async #assemble(list: List): Promise<Uint8Array> {
    const named = list.items.findIndex(
      (item) => item.kind === 'atom' && (item.text === 'binary' || item.text === 'quote'),
    );
    if (named > 0) {
      const parts = list.items.slice(named + 1).map((item) => (item.kind === 'string' ? item.bytes : new Uint8Array()));
      const bytes = Buffer.concat(parts);
      return atomAt(list, named) === 'binary' ? bytes : parseWat(`(component ${bytes.toString()})`);
    }
    const text = this.#text.slice(list.start, list.end);
    return parseWat(text.replace(/^\(component\s+definition/, '(component'));
  }

  // ── expectations ──

  async #refused(directive: List): Promise<void> {
    const subject = componentOf(directive);
    const bytes = await this.#assemble(subject).catch(() => {
      throw new Skip(REASONS.refused);
    });
    const error = await compileComponent(bytes, OPTIONS).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error === undefined && WASMTIME_REFUSES.test(reasonOf(directive))) throw new Skip(REASONS.wasmtime);
    if (error === undefined) throw new Error(`accepted what is invalid: ${reasonOf(directive)}`);
    if (RuntimeError.is(error, 'COMPONENT_UNSUPPORTED')) await laterProposal(error);
    if (!RuntimeError.is(error) || error.kind === 'internal') throw error;
  }

  async #unlinkable(directive: List): Promise<void> {
    const component = await this.#compile(componentOf(directive)).catch((error: unknown) => {
      if (RuntimeError.is(error) && error.kind !== 'internal') return undefined;
      throw error;
    });
    if (component === undefined) return;
    const instance = await component.instantiate(this.#host).catch(() => undefined);
    if (instance !== undefined) throw new Skip(REASONS.untyped);
  }

  async #returns(directive: List): Promise<void> {
    const { result, type } = await this.#invoke(directive.items[1] as List);
    const expected = directive.items[2];
    const wanted = type.result === undefined ? undefined : readValue(expected, type.result);
    assert.deepStrictEqual(plain(result), plain(wanted));
  }

  async #invoke(list: List): Promise<{ result: unknown; type: FuncType }> {
    const named = atomAt(list, 1);
    const instance = named === undefined ? this.#current : this.#instances.get(named);
    if (instance === undefined || instance instanceof Skip) throw new Skip(REASONS.depends);
    const [name, ...args] = list.items.slice(named === undefined ? 1 : 2);
    const func = this.#made.get(instance)?.export(stringOf(name));
    if (func === undefined) throw new Error(`nothing is exported as "${stringOf(name)}"`);
    const values = func.type.params.map((param, at) => readValue(args[at], param.type));
    return { result: await instance.call(func.name, values), type: func.type };
  }

  async #traps(directive: List): Promise<void> {
    const subject = directive.items[1] as List;
    const run = headOf(subject) === 'component' ? this.#instantiateOnly(subject) : this.#invoke(subject);
    const error = await run.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error === undefined && this.#text.includes(SECOND_ALLOCATION)) throw new Skip(REASONS.strings);
    if (error === undefined && this.#text.includes(PARENT_AND_CHILD)) throw new Skip(REASONS.parents);
    if (error === undefined) throw new Error(`did not trap: ${reasonOf(directive)}`);
    if (error instanceof Skip) throw error;
    if (RuntimeError.is(error) && TRAPS.has(error.code)) return;
    throw error;
  }

  async #instantiateOnly(subject: List): Promise<unknown> {
    return this.#instantiate(await this.#compile(subject));
  }
}

/** What a script says where only the second allocation of a string could trap. */
const SECOND_ALLOCATION = ';; second allocation unaligned';

/** What a script says before it wants a trap that the Canonical ABI does not have. */
const PARENT_AND_CHILD = ';; also, for now, trap on parent-to-child';

/** Some scripts let memories grow to all that 32 bits can address; little of it is touched. */
const OPTIONS: CompileOptions = { parts: PARTS, limits: { memoryBytes: 2 ** 34 } };

/** How a trap comes out: of the guest, of a limit of the host, or of an instance that trapped before. */
const TRAPS: ReadonlySet<string> = new Set(['COMPONENT_TRAPPED', 'COMPONENT_LIMIT', 'COMPONENT_DEAD']);

function componentOf(directive: List): List {
  const subject = directive.items[1];
  if (subject?.kind !== 'list' || headOf(subject) !== 'component') throw new Skip('it is about a core module');
  return subject;
}

function skipOnly(error: unknown): Skip {
  if (error instanceof Skip) return error;
  throw error;
}

/** Tells proposals that come after WASI 0.2 from what should run. */
function laterProposal(error: unknown): never {
  if (RuntimeError.is(error) && NESTED_NAMES.test(error.message)) throw new Skip('it uses nested namespaces');
  if (!RuntimeError.is(error, 'COMPONENT_UNSUPPORTED')) throw error;
  const feature = String(error.details.feature);
  throw LATER.test(feature) ? new Skip(`it uses ${feature}`) : error;
}

function reasonOf(directive: List): string {
  const last = directive.items.at(-1);
  return last?.kind === 'string' ? stringOf(last) : 'no reason is given';
}

function describe(error: unknown): string {
  if (RuntimeError.is(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
