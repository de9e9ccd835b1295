import type {
  ComponentReport,
  CoreModuleReport,
  ExportReport,
  FunctionReport,
  ImportReport,
  OperationInfo,
} from '../api/index.ts';
import { ANY_OPERATION } from '../api/index.ts';
import { denialsOf, NO_GRANTS, rulesOf } from '../capability/index.ts';
import { type CompiledComponent, describeFunc, type ExternType, printWorld } from '../component/index.ts';
import type { ApplicationConfig, ComponentConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import {
  type ComponentShape,
  checkImports,
  compileFile,
  digestOf,
  importNeeds,
  readComponentFile,
  shapeOf,
  unofferedImports,
} from '../host/index.ts';

/**
 * Says of a component of an application what {@link inspectComponent} says, and what it asks for, is given and gets. That it would
 * be refused for want of a grant or a link is among the refusals, with the lines to add.
 *
 * @throws {RuntimeError} as {@link inspectComponent}.
 */
export async function inspectMember(config: ApplicationConfig, component: ComponentConfig): Promise<ComponentReport> {
  const report = await inspectComponent(component.source);
  const compiled = await compileFile(await readComponentFile(component.source), component.source);
  const refusals = [...report.refusals];
  const { name: label, grants, keys } = component;
  const linked = new Set(component.links.map((link) => link.import));
  if (refusals.length === 0) attempt(() => checkImports(compiled, grants, { label, linked }), refusals);
  const notices = config.notices.filter((notice) => notice.component === label);
  const authority = {
    component: label,
    ...(keys.asked && { asked: keys.asked }),
    given: keys.given,
    mode: grants.observe === undefined ? ('enforce' as const) : ('observe' as const),
    granted: rulesOf(grants),
    denied: denialsOf(grants),
    policies: config.policies,
    differences: notices.map(({ kind, message: text, help }) => ({ kind, text, ...(help !== undefined && { help }) })),
  };
  return { ...report, refusals, authority };
}

/**
 * Says what a component is, what it imports and needs, and what it becomes.
 *
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `NOT_A_COMPONENT`, `COMPONENT_INVALID`.
 */
export async function inspectComponent(file: string): Promise<ComponentReport> {
  const bytes = await readComponentFile(file);
  const component = await compileFile(bytes, file);
  const refusals: string[] = [];
  const shape = attempt(() => shapeOf(component), refusals);
  const needs = new Map(importNeeds(component, NO_GRANTS).map((need) => [need.name, need]));
  for (const name of unofferedImports(component)) refusals.push(`Nothing here offers "${name}"`);
  const imports = [...component.type.imports].flatMap(([name, type]): ImportReport[] => {
    const functions = functionsOf(name, type);
    if (functions.length === 0) return [];
    const need = needs.get(name);
    const line = need?.line;
    const lines = line === undefined ? {} : need?.need === 'link' ? { linkLine: line } : { grantLine: line };
    return [{ name, functions, need: need?.need ?? 'free', ...lines }];
  });
  return {
    file,
    sizeBytes: bytes.length,
    sha256: digestOf(bytes),
    becomes: shape?.kind ?? 'none',
    lifecycle: shape !== undefined && Object.keys(shape.lifecycle).length > 0,
    imports,
    exports: [...component.type.exports].flatMap(([name, type]): ExportReport[] => {
      const functions = functionsOf(name, type);
      return functions.length === 0 ? [] : [{ name, functions }];
    }),
    operations: shape === undefined ? [] : operationInfos(shape),
    coreModules: coreModulesOf(component),
    refusals,
    wit: printWorld(component.type),
  };
}

function attempt<T>(work: () => T, refusals: string[]): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
    refusals.push(error.message);
    return undefined;
  }
}

/** The functions of an interface, or the function itself. */
function functionsOf(name: string, type: ExternType): FunctionReport[] {
  if (type.kind === 'func') return [{ name, wit: describeFunc(type.type) }];
  if (type.kind !== 'instance') return [];
  return [...type.type.exports].flatMap(([inner, item]) =>
    item.kind === 'func' ? [{ name: inner, wit: describeFunc(item.type) }] : [],
  );
}

function coreModulesOf(component: CompiledComponent): CoreModuleReport[] {
  return component.coreModules.map(({ sizeBytes, memories }) => {
    const [memory] = memories;
    if (memory === undefined) return { sizeBytes };
    return {
      sizeBytes,
      memory: { minBytes: memory.minBytes, ...(memory.maxBytes !== undefined && { maxBytes: memory.maxBytes }) },
    };
  });
}

/** What can be asked of an actor of this shape. */
export function operationInfos(shape: ComponentShape): OperationInfo[] {
  if (shape.kind === 'message' && shape.main !== undefined) {
    return [{ name: ANY_OPERATION, kind: 'message', wit: describeFunc(shape.main.type) }];
  }
  return [...shape.operations].map(([name, item]) => ({ name, kind: 'function', wit: describeFunc(item.type) }));
}
