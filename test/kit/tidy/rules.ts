/**
 * The rules of the house as functions from sources to violations, so that each can be proved on a planted one.
 * A violation reads `path:line  what is wrong, and what to do`.
 */
import { posix } from 'node:path';
import {
  AMBIENT_MODULES,
  AMBIENT_RULES,
  BROWSER_SAFE,
  INTERFACE_OWNERS,
  type LayerTable,
  MAY_IMPORT,
  MAY_IMPORT_INSIDE,
  SIDE_DOORS,
  VENDOR_OWNERS,
} from './layers.ts';
import { codeOnly, importsOf, lineAt, type SourceFile, withoutComments } from './source-text.ts';

export type Rule = (files: readonly SourceFile[]) => string[];

const MAX_SOURCE_LINES = 600;
const MAX_TEST_LINES = 800;
const MAX_IMPORTS = 15;
const MAX_FRONT_DOOR_NAMES = 25;

const isTest = (path: string): boolean => /\.(test|bench|suite)\.ts$/.test(path);
const inSrc = (path: string): boolean => path.startsWith('src/');

/**
 * `src/wasi/io/pollable.ts` → folder `wasi`, sub-folder `io`. A sub-folder that has no front door of its own, hence no
 * line in the table, only groups files of its folder.
 */
function placeOf(path: string): { readonly folder: string; readonly sub: string | undefined } {
  const [, folder = '', sub, rest] = path.split('/');
  if (sub === undefined) return { folder: '', sub: undefined };
  const isPart = rest !== undefined && Object.hasOwn(MAY_IMPORT_INSIDE[folder] ?? {}, sub);
  return { folder, sub: isPart ? sub : undefined };
}

/** Tells whether the file lies in one of `owners`: folders (`cli`) or sub-folders (`component/abi`). */
function isOwnedBy(path: string, owners: readonly string[]): boolean {
  return owners.some((owner) => path.startsWith(`src/${owner}/`));
}

interface Import {
  readonly from: string;
  /** Path from the root of the project, or a bare specifier. */
  readonly to: string;
  readonly isRelative: boolean;
}

function allImports(files: readonly SourceFile[]): Import[] {
  return files.flatMap(({ path, text }) =>
    importsOf(text).map((specifier) => {
      const isRelative = specifier.startsWith('.');
      return { from: path, to: isRelative ? posix.join(posix.dirname(path), specifier) : specifier, isRelative };
    }),
  );
}

/** Imports that lead from one file of `src/` to another. */
function innerImports(files: readonly SourceFile[]): Import[] {
  return allImports(files.filter((file) => inSrc(file.path))).filter(({ to, isRelative }) => isRelative && inSrc(to));
}

export const unknownFolders: Rule = (files) =>
  files
    .filter((file) => inSrc(file.path))
    .flatMap(({ path }) => {
      const { folder, sub } = placeOf(path);
      if (folder === '') return path === 'src/index.ts' ? [] : [`${path}  a file of src/ belongs into a folder`];
      if (!Object.hasOwn(MAY_IMPORT, folder)) return [`${path}  folder "${folder}" is not in the layer table`];
      const isNewPart = sub === undefined && path.split('/').length > 3 && path.endsWith('/index.ts');
      return isNewPart ? [`${path}  has a front door, but no line in the table of "${folder}"`] : [];
    });

export const layers: Rule = (files) =>
  innerImports(files).flatMap(({ from, to }) => {
    const source = placeOf(from);
    const target = placeOf(to);
    if (from === 'src/index.ts') return [];
    if (target.folder === '') return [`${from}  imports ${to}; nothing inside imports the public front door`];
    if (source.folder !== target.folder) {
      const allowed = MAY_IMPORT[source.folder]?.includes(target.folder) === true;
      return allowed ? [] : [`${from}  imports ${to}; "${source.folder}" may not import "${target.folder}"`];
    }
    if (source.sub === target.sub || source.sub === undefined || target.sub === undefined || isTest(from)) return [];
    const inside = MAY_IMPORT_INSIDE[source.folder]?.[source.sub]?.includes(target.sub) === true;
    return inside ? [] : [`${from}  imports ${to}; "${source.sub}" may not import "${target.sub}"`];
  });

/** The cycles of a table of layers, as `a → b → a`. */
export function tableLoops(table: LayerTable): string[] {
  return loops(new Map(Object.entries(table)));
}

export const frontDoors: Rule = (files) =>
  innerImports(files).flatMap(({ from, to }) => {
    const source = placeOf(from);
    const target = placeOf(to);
    const isDoor = posix.basename(to) === 'index.ts';
    if (source.folder !== target.folder) {
      const ok = to === `src/${target.folder}/index.ts` || Object.hasOwn(SIDE_DOORS, to.slice('src/'.length));
      return ok ? [] : [`${from}  imports ${to}; enter "${target.folder}" through its index.ts`];
    }
    if (source.sub === target.sub) {
      return isDoor && !isTest(from) ? [`${from}  imports ${to}; import the sibling file itself`] : [];
    }
    if (target.sub !== undefined) {
      return isDoor || isTest(from) ? [] : [`${from}  imports ${to}; enter "${target.sub}" through its index.ts`];
    }
    return isDoor && !isTest(from) ? [`${from}  imports ${to}; a part does not import the whole`] : [];
  });

export const cycles: Rule = (files) => {
  const graph = new Map<string, string[]>();
  for (const { from, to } of innerImports(files)) graph.set(from, [...(graph.get(from) ?? []), to]);
  return loops(graph).map((loop) => `${loop.split(' ', 1)[0]}  import cycle: ${loop}`);
};

/** Depth-first search; each loop is reported once, where it closes. */
function loops(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): void => {
    const at = path.indexOf(node);
    if (at >= 0) found.push([...path.slice(at), node].join(' → '));
    if (at >= 0 || done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return found;
}

/** Code that ships may import nothing that does not. */
export const outsideImports: Rule = (files) =>
  allImports(files.filter((file) => inSrc(file.path) && !isTest(file.path)))
    .filter(({ to, isRelative }) => isRelative && (!inSrc(to) || isTest(to)))
    .map(({ from, to }) => `${from}  imports ${to}, which is not published`);

export const ambientCalls: Rule = (files) =>
  files
    .filter((file) => inSrc(file.path) && !isTest(file.path))
    .flatMap(({ path, text }) => {
      const code = codeOnly(text);
      const calls = AMBIENT_RULES.filter((rule) => !isOwnedBy(path, rule.owners)).flatMap(
        ({ what, pattern, instead }) =>
          [...code.matchAll(pattern)].map((match) => `${path}:${lineAt(code, match.index)}  uses ${what}; ${instead}`),
      );
      const modules = importsOf(text)
        .filter((name) => !isOwnedBy(path, AMBIENT_MODULES[name] ?? ['']) && Object.hasOwn(AMBIENT_MODULES, name))
        .map((name) => `${path}  imports ${name}; take a port`);
      return [...calls, ...modules];
    });

export const vendorImports: Rule = (files) =>
  allImports(files.filter((file) => inSrc(file.path) && !isTest(file.path)))
    .filter(({ isRelative }) => !isRelative)
    .flatMap(({ from, to }) => {
      if (to.startsWith('node:')) {
        return isOwnedBy(from, BROWSER_SAFE) ? [`${from}  imports ${to}; this folder also runs in a browser`] : [];
      }
      const name = to.split('/', to.startsWith('@') ? 2 : 1).join('/');
      const owners = to.includes(':') ? INTERFACE_OWNERS : VENDOR_OWNERS[name];
      if (owners === undefined) return [`${from}  imports "${to}"; no folder owns that package`];
      return isOwnedBy(from, owners) ? [] : [`${from}  imports "${to}"; only ${owners.join(', ')} may`];
    });

export const sizes: Rule = (files) =>
  files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    const limit = isTest(path) ? MAX_TEST_LINES : MAX_SOURCE_LINES;
    // Types come with what they describe, and bind nothing at run time.
    const imports = importsOf(text.replaceAll(/^import type /gm, '// ')).length;
    return [
      ...(lines > limit ? [`${path}  has ${lines} lines; the limit is ${limit}`] : []),
      ...(inSrc(path) && !isTest(path) && posix.basename(path) !== 'index.ts' && imports > MAX_IMPORTS
        ? [`${path}  has ${imports} imports; the limit is ${MAX_IMPORTS}`]
        : []),
    ];
  });

/** The values that a front door exports. Types are not counted: they come with what they describe. */
function exportedNames(text: string): string[] {
  const lists = withoutComments(text).matchAll(/^export \{([^}]*)\}/gm);
  return [...lists]
    .flatMap((list) => list[1]!.split(',').map((name) => name.trim()))
    .filter((name) => name !== '' && !name.startsWith('type '));
}

/** What is left of a front door when comments and named re-exports are taken away. */
function logicOf(text: string): string {
  return withoutComments(text)
    .replaceAll(/^export (?:type )?\{[^}]*\} from '[^']+';$/gm, '')
    .trim();
}

export const frontDoorForm: Rule = (files) => {
  const withCode = new Set(
    files
      .filter(({ path }) => inSrc(path) && !isTest(path) && placeOf(path).folder !== '')
      .map(({ path }) =>
        ['src', placeOf(path).folder, placeOf(path).sub].filter((part) => part !== undefined).join('/'),
      ),
  );
  const doors = files.filter((file) => inSrc(file.path) && posix.basename(file.path) === 'index.ts');
  const missing = [...withCode].filter((folder) => !doors.some((door) => posix.dirname(door.path) === folder));
  return [
    ...missing.map((folder) => `${folder}  has no index.ts`),
    ...doors.flatMap(({ path, text }) => {
      const header = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
      const parts = path === 'src/index.ts' ? ['@module'] : ['@module', 'Guarantees', 'Limits', 'Not here'];
      const absent = parts.filter((part) => !header.includes(part));
      const names = exportedNames(text).length;
      return [
        ...(absent.length > 0 ? [`${path}  does not open with a comment that has ${absent.join(', ')}`] : []),
        ...(logicOf(text) === ''
          ? []
          : [`${path}:${lineAt(text, text.indexOf(logicOf(text)))}  is more than named re-exports`]),
        ...(path !== 'src/index.ts' && names > MAX_FRONT_DOOR_NAMES
          ? [`${path}  exports ${names} names; the limit is ${MAX_FRONT_DOOR_NAMES}: two concepts?`]
          : []),
      ];
    }),
  ];
};

/** Words that mean something only to those who were there. Split, so that this file does not contain them. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.])\/(?:root|Users)\/\w/g, 'a path of one machine'],
  [/\b[A-Z]{4,}(?:\.md)? ?§/g, 'a paper that is not part of the project'],
  [/\b(?:[Ii]ssues?|[Ff]ix(?:es)?|[Cc]loses|[Ss]ee|PR|ticket) #?\d+\b/g, 'a number of a tracker'],
  [/\b(?:TODO|FIXME|XXX|HACK)\b/g, 'a note to oneself'],
];

export const forbiddenWords: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith('test/kit/tidy/') && path !== 'test/tidy.test.ts')
    .flatMap(({ path, text }) =>
      FORBIDDEN.flatMap(([pattern, what]) =>
        [...text.matchAll(pattern)].map((match) => `${path}:${lineAt(text, match.index)}  "${match[0]}" is ${what}`),
      ),
    );

/** Every code is used by the code that ships, and named by a test. */
export function codeUse(codes: readonly string[], pending: readonly string[], files: readonly SourceFile[]): string[] {
  const shipped = files.filter(({ path }) => inSrc(path) && !isTest(path) && path !== 'src/errors/codes.ts');
  const tests = files.filter(({ path }) => isTest(path));
  const names = (group: readonly SourceFile[]): ReadonlySet<string> =>
    new Set(group.flatMap(({ text }) => [...text.matchAll(/\b[A-Z]+(?:_[A-Z]+)*\b/g)].map((match) => match[0])));
  const used = names(shipped.map(({ path, text }) => ({ path, text: withoutComments(text) })));
  const tested = names(tests);
  return codes.flatMap((code) => {
    const problems = [
      ...(used.has(code) ? [] : [`${code} is used nowhere in src/`]),
      ...(tested.has(code) ? [] : [`${code} is named in no test`]),
    ];
    if (!pending.includes(code)) return problems;
    return problems.length > 0 ? [] : [`${code} is used and tested: take it off the list of pending codes`];
  });
}

/** Promises of `page`, a row of a table each, that no test is named after; and tests named after a promise that is not there. */
export function promiseUse(page: string, files: readonly SourceFile[]): string[] {
  const promised = [...page.matchAll(/^\| \*\*(S\d+)\*\* \|/gm)].map(([, id]) => id as string);
  const tested = new Map<string, string>();
  for (const { path, text } of files.filter(({ path }) => isTest(path))) {
    for (const [, ids] of text.matchAll(/\btest\(\s*['"`]((?:S\d+, )*S\d+):/g)) {
      for (const id of (ids as string).split(', ')) tested.set(id, path);
    }
  }
  return [
    ...promised.filter((id, index) => promised.indexOf(id) !== index).map((id) => `${id} is promised twice`),
    ...promised.filter((id) => !tested.has(id)).map((id) => `${id} is promised, and no test is named after it`),
    ...[...tested].filter(([id]) => !promised.includes(id)).map(([id, path]) => `${path} tests ${id}: not promised`),
  ];
}
