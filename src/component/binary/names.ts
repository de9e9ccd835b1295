import { quote } from './failure.ts';

/** What the grammar says about the name of an import or export. */
export type ExternName =
  | { readonly kind: 'label' | 'interface' | 'dependency' | 'url' | 'hash'; readonly unique: string }
  | { readonly kind: 'constructor'; readonly resource: string; readonly unique: string }
  | { readonly kind: 'method' | 'static'; readonly resource: string; readonly unique: string };

/** Called with what is wrong; throws. */
type Fail = (problem: string) => never;

const LABEL = /^(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*$/;
const WORDS = /^[a-z][0-9a-z]*(?:-[0-9a-z]+)*$/;
const NUMBER = /^(?:0|[1-9][0-9]*)$/;
const IDENTIFIER = /^[0-9A-Za-z-]+$/;
const CANONICAL_VERSION = /^(?:[1-9][0-9]*|0\.[1-9][0-9]*|0\.0\.(?:0|[1-9][0-9]*))$/;
const HASH = /^sha(?:256|384|512)-[0-9A-Za-z+/]+={0,2}(?:\?.*)?$/s;

/** Largest number in a version. That of the semver library of wasm-tools. */
const VERSION_NUMBER_MAX = 2n ** 64n - 1n;

/** Tells whether `text` is a label: words of one case each, joined by hyphens. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** Throws unless `text` can name a field, case, flag or parameter. */
export function checkLabel(text: string, what: string, fail: Fail): void {
  if (!isLabel(text))
    fail(text === '' ? `the name of a ${what} is empty` : `${what} ${quote(text)} is not in kebab case`);
}

/** The form of a label by which it must be unique: upper and lower case are not told apart. */
export function uniqueLabel(text: string): string {
  return text.toLowerCase();
}

/**
 * Parses the name of an import or export.
 *
 * Besides labels and interface names it takes the names that earlier versions of the specification had for imports:
 * `url=<…>`, `integrity=<…>`, `locked-dep=<…>` and `unlocked-dep=<…>`.
 *
 * @param fail Called with what is wrong; must throw.
 */
export function parseExternName(name: string, fail: Fail): ExternName {
  const annotated = /^\[(constructor|method|static)\](.*)$/s.exec(name);
  if (annotated !== null)
    return annotatedName(annotated[1] as 'constructor' | 'method' | 'static', annotated[2] ?? '', fail);
  const dependency = /^(unlocked-dep|locked-dep|url|integrity)=(.*)$/s.exec(name);
  if (dependency !== null) return dependencyName(dependency[1] as string, dependency[2] ?? '', fail);
  if (name.includes(':')) {
    const { path } = splitVersion(name);
    checkPackagePath(path, true, fail);
    return { kind: 'interface', unique: name.toLowerCase() };
  }
  if (!isLabel(name)) fail(`${quote(name)} is not in kebab case`);
  return { kind: 'label', unique: uniqueLabel(name) };
}

function annotatedName(kind: 'constructor' | 'method' | 'static', text: string, fail: Fail): ExternName {
  if (kind === 'constructor') {
    if (!isLabel(text)) fail(`${quote(text)} is not in kebab case`);
    return { kind, resource: text, unique: `[constructor]${uniqueLabel(text)}` };
  }
  const dot = text.indexOf('.');
  if (dot < 0) fail('the name of a method or static function must have a "." after the resource');
  const resource = text.slice(0, dot);
  const method = text.slice(dot + 1);
  for (const label of [resource, method]) if (!isLabel(label)) fail(`${quote(label)} is not in kebab case`);
  const [first, second] = [uniqueLabel(resource), uniqueLabel(method)];
  return { kind, resource, unique: first === second ? first : `${first}.${second}` };
}

function dependencyName(prefix: string, text: string, fail: Fail): ExternName {
  const end = text.startsWith('<') ? text.indexOf('>') : -1;
  if (end < 0) fail(`"${prefix}=" must be followed by "<…>"`);
  const inner = text.slice(1, end);
  const after = text.slice(end + 1);
  const unique = `${prefix}=${text}`;
  switch (prefix) {
    case 'integrity':
      checkHash(inner, fail);
      checkNothing(after, fail);
      return { kind: 'hash', unique };
    case 'url':
      if (inner.includes('<')) fail('the URL of an import must not have a "<"');
      checkOptionalHash(after, fail);
      return { kind: 'url', unique };
    case 'locked-dep': {
      const { path, version } = splitVersion(inner);
      checkPackagePath(path, false, fail);
      if (version !== undefined) checkVersion(version, fail);
      checkOptionalHash(after, fail);
      return { kind: 'dependency', unique };
    }
    default:
      return unlockedDependency(text, unique, fail);
  }
}

/** A range has a ">" of its own, so the end of the name is its last ">". */
function unlockedDependency(text: string, unique: string, fail: Fail): ExternName {
  if (!text.endsWith('>')) fail('"unlocked-dep=" must be followed by "<…>"');
  const { path, version } = splitVersion(text.slice(1, -1));
  checkPackagePath(path, false, fail);
  if (version !== undefined && version !== '*') {
    const range = /^\{(?:>=([^ <{}]+)(?: <([^ {}]+))?|<([^ {}]+)|\*)\}$/.exec(version);
    if (range === null) fail(`${quote(version)} is not a range of versions`);
    for (const bound of range.slice(1)) if (bound !== undefined) checkVersion(bound, fail);
  }
  return { kind: 'dependency', unique };
}

function splitVersion(text: string): { readonly path: string; readonly version: string | undefined } {
  const at = text.indexOf('@');
  return at < 0 ? { path: text, version: undefined } : { path: text.slice(0, at), version: text.slice(at + 1) };
}

/** `namespace:package`, for an interface followed by `/interface`. */
function checkPackagePath(path: string, isInterface: boolean, fail: Fail): void {
  const [, namespace = '', name = '', projection] = /^([^:]*):([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
  for (const words of [namespace, name]) if (!WORDS.test(words)) fail(`${quote(words)} is not in lower kebab case`);
  if (projection === undefined && isInterface) fail('the name of a package must be followed by "/" and an interface');
  if (projection !== undefined && !isLabel(projection)) fail(`${quote(projection)} is not in kebab case`);
}

function checkNothing(text: string, fail: Fail): void {
  if (text !== '') fail(`${quote(text)} is too much at the end of a name`);
}

function checkOptionalHash(text: string, fail: Fail): void {
  if (text === '') return;
  const hash = /^,integrity=<([^>]*)>$/s.exec(text);
  if (hash === null) fail(`${quote(text)} is too much at the end of a name`);
  checkHash(hash[1] ?? '', fail);
}

function checkHash(text: string, fail: Fail): void {
  const hashes = text.split(/\s+/).filter((part) => part !== '');
  if (hashes.length === 0) fail('an integrity hash is empty');
  for (const hash of hashes) if (!HASH.test(hash)) fail(`${quote(hash)} is not an integrity hash`);
}

/**
 * Checks the version of an interface name, if it has one.
 *
 * @param suffix What was cut off the version so that compatible versions have one name: `1` and `.2.3`.
 */
export function checkInterfaceVersion(name: string, suffix: string | undefined, fail: Fail): void {
  const { version } = splitVersion(name);
  if (suffix === undefined) {
    if (version !== undefined) checkVersion(version, fail);
    return;
  }
  if (version === undefined || !CANONICAL_VERSION.test(version)) {
    fail(`a version suffix needs a name with a canonical version, and ${quote(name)} is none`);
  }
  checkVersion(version + suffix, fail);
}

/** Throws unless `text` is a version by Semantic Versioning 2.0. */
function checkVersion(text: string, fail: Fail): void {
  const bad = (): never => fail(`${quote(text)} is not a semantic version`);
  const plus = text.indexOf('+');
  const build = plus < 0 ? undefined : text.slice(plus + 1);
  const rest = plus < 0 ? text : text.slice(0, plus);
  const dash = rest.indexOf('-');
  const release = dash < 0 ? undefined : rest.slice(dash + 1);
  const numbers = (dash < 0 ? rest : rest.slice(0, dash)).split('.');
  if (numbers.length !== 3 || !numbers.every((part) => NUMBER.test(part))) bad();
  if (numbers.some((part) => part.length > 20 || BigInt(part) > VERSION_NUMBER_MAX)) bad();
  for (const part of build?.split('.') ?? []) if (!IDENTIFIER.test(part)) bad();
  for (const part of release?.split('.') ?? []) {
    if (!IDENTIFIER.test(part) || (/^[0-9]+$/.test(part) && !NUMBER.test(part))) bad();
  }
}
