import { readAlias } from './aliases.ts';
import { readCanon } from './canon-section.ts';
import { Context } from './context.ts';
import { readCoreModule } from './core-module.ts';
import { readCoreType } from './core-type-section.ts';
import { finishComponent, readExport, readImport } from './extern-section.ts';
import { aboutPart, notAComponent, unsupported } from './failure.ts';
import { readCoreInstance, readInstance } from './instance-section.ts';
import { EXTERNS_MAX, TYPES_MAX } from './limits.ts';
import type { Component, Part, Parts, RootComponent } from './model.ts';
import { Reader } from './reader.ts';
import { coreModule } from './to-model.ts';
import { readType } from './type-section.ts';
import type { ComponentShape, Entity } from './types.ts';

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const COMPONENT_LAYER = [0x0d, 0x00, 0x01, 0x00];
const MODULE_LAYER = [0x01, 0x00, 0x00, 0x00];

/**
 * Decodes a component binary and checks it by every rule of the Component Model that concerns WASI 0.2.
 *
 * The code of core modules is not looked into: only what they import and export is. The model refers to parts of
 * `bytes`, which must not be changed afterwards.
 *
 * @param bytes The whole binary. Any bytes are safe to give.
 * @param parts See {@link Parts}.
 * @throws {RuntimeError} `NOT_A_COMPONENT` — something else: a core module, text, nothing; says what to do.
 * @throws {RuntimeError} `COMPONENT_INVALID` — breaks a rule; `details.offset` is the byte.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — needs what cannot be run; `details.feature` names it.
 */
export function decodeComponent(bytes: Uint8Array, parts: Parts = {}): RootComponent {
  const work = decodeInSlices(bytes, parts);
  for (;;) {
    const slice = work.next();
    if (slice.done === true) return slice.value;
  }
}

/** As {@link decodeComponent}, but yields now and then, so that the work can be spread over many turns. */
export function* decodeInSlices(bytes: Uint8Array, parts: Parts = {}): Generator<undefined, RootComponent> {
  checkPreamble(bytes);
  const context = new Context();
  const { component } = yield* readComponent(context, new Reader(bytes));
  return { ...component, parts: yield* readParts(context, parts) };
}

function checkPreamble(bytes: Uint8Array): void {
  const begins = (expected: readonly number[], at: number): boolean =>
    expected.every((byte, offset) => bytes[at + offset] === byte);
  if (bytes.length === 0) notAComponent('the file is empty');
  if (!begins(MAGIC, 0)) {
    if (isText(bytes)) {
      notAComponent(
        'this is WebAssembly text, not a binary; assemble it first with `wasm-tools parse file.wat -o file.wasm`',
      );
    }
    notAComponent('it does not begin with the four bytes of a WebAssembly binary');
  }
  if (bytes.length < 8) notAComponent('the file ends after the first bytes of a WebAssembly binary');
  if (begins(COMPONENT_LAYER, 4)) return;
  if (begins(MODULE_LAYER, 4)) {
    notAComponent(
      'this is a core WebAssembly module, not a component; wrap it first with `wasm-tools component new module.wasm -o component.wasm` (add `--adapt` with the preview 1 adapter if it imports wasi_snapshot_preview1)',
    );
  }
  const [version, , layer] = bytes.subarray(4, 8);
  notAComponent(
    `it has version ${version} and layer ${layer} of the binary format; a component has version 13 and layer 1`,
  );
}

/** Tells whether the bytes are the text format: a parenthesis comes first, but for space and comments. */
function isText(bytes: Uint8Array): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  return start.startsWith('(') || start.startsWith(';;');
}

/** Reads a component in the innermost scope. */
function* readComponent(
  context: Context,
  reader: Reader,
): Generator<undefined, { readonly component: Component; readonly shape: ComponentShape }> {
  for (const byte of [...MAGIC, ...COMPONENT_LAYER]) {
    if (reader.u8() !== byte) reader.fail('a nested component does not begin with the bytes of a component');
  }
  while (!reader.done) {
    context.session.at = reader.offset;
    const id = reader.u8();
    yield* readSection(context, id, reader.window(reader.u32()));
    context.scope.checkCounts();
  }
  context.session.at = reader.offset;
  const shape = finishComponent(context);
  const { definitions, model } = context.scope;
  return { shape, component: { definitions, resources: model.resources, type: model.component(shape) } };
}

function* readSection(context: Context, id: number, section: Reader): Generator<undefined, void> {
  const { scope, session } = context;
  switch (id) {
    case 0:
      section.name(); // a custom section: only its name has a form
      break;
    case 1: {
      const bytes = section.rest();
      const module = readCoreModule(section, session.coreTypes);
      scope.coreModules.push(module);
      scope.definitions.push({ kind: 'core-module', bytes, type: coreModule(module) });
      break;
    }
    case 4: {
      const { component, shape } = yield* context.withinComponent('inside', () => readComponent(context, section));
      scope.components.push(shape);
      scope.definitions.push({ kind: 'component', component });
      break;
    }
    case 9:
      unsupported(session.at, 'a component-level start function');
      break;
    case 12:
      unsupported(session.at, 'component-level values');
      break;
    default: {
      const read = SECTIONS[id] ?? context.fail(`a component has no section ${id}`);
      for (let left = section.count(Math.max(TYPES_MAX, EXTERNS_MAX), 'definitions'); left > 0; left -= 1) {
        read(context, section);
        if (session.isSliceOver()) yield;
      }
      section.finish('a section');
    }
  }
}

/** Reads the parts that belong to imports of the root component, and checks each against the type of its import. */
function* readParts(context: Context, parts: Parts): Generator<undefined, ReadonlyMap<string, Part>> {
  const asked: { readonly name: string; readonly bytes: Uint8Array; readonly entity: Entity }[] = [];
  const visit = (name: string, entity: Entity): void => {
    if (entity.kind === 'instance') {
      context.session.step(entity.type.exports.size);
      for (const [inner, value] of entity.type.exports) visit(`${name}#${inner}`, value);
    }
    if (entity.kind !== 'component' && entity.kind !== 'core-module') return;
    const bytes = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (bytes !== undefined) asked.push({ name, bytes, entity });
  };
  for (const [name, entity] of context.scope.imports.entities) visit(name, entity);
  const found = new Map<string, Part>();
  for (const { name, bytes, entity } of asked) {
    const part = yield* aboutPart(name, () => readPart(context, bytes, entity));
    found.set(name, part);
  }
  return found;
}

function* readPart(context: Context, bytes: Uint8Array, asked: Entity): Generator<undefined, Part> {
  const reader = new Reader(bytes);
  context.session.at = 0;
  const typed = asked.kind === 'component' ? yield* componentPart(context, reader) : modulePart(context, reader);
  const mismatch = context.subtyping.entity(typed.entity, asked);
  if (mismatch !== undefined) context.fail(`its type does not fit the import: ${mismatch}`);
  return typed.part;
}

interface TypedPart {
  readonly part: Part;
  readonly entity: Entity;
}

/** Nothing is around a part: no alias leads out of it. */
function* componentPart(context: Context, reader: Reader): Generator<undefined, TypedPart> {
  const { component, shape } = yield* context.withinComponent('alone', () => readComponent(context, reader));
  return { part: { kind: 'component', component }, entity: { kind: 'component', type: shape } };
}

function modulePart(context: Context, reader: Reader): TypedPart {
  const bytes = reader.rest();
  const type = readCoreModule(reader, context.session.coreTypes);
  return { part: { kind: 'core-module', bytes, type: coreModule(type) }, entity: { kind: 'core-module', type } };
}

/** Sections that hold a list of definitions, by id. */
const SECTIONS: Readonly<Record<number, (context: Context, reader: Reader) => void>> = {
  2: readCoreInstance,
  3: readCoreType,
  5: readInstance,
  6: readAlias,
  7: readType,
  8: readCanon,
  10: readImport,
  11: readExport,
};
