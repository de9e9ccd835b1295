/**
 * Finds where each key of a TOML document stands. The TOML library says so for syntax errors only; a wrong value
 * deserves its line too. Reads documents that were parsed before, so it may assume that they are well-formed; on
 * anything unforeseen it stops, and positions that were not found are simply not reported.
 */

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

export type KeyPath = readonly (string | number)[];

/** Nesting of inline tables and arrays, the same bound as the parser's. */
const DEPTH_MAX = 64;

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const SPACE = /[ \t]*/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const MULTI_BASIC = /"""(?:[^\\]|\\[\s\S])*?"{3,5}(?!")/y;
const MULTI_LITERAL = /'''[\s\S]*?'{3,5}(?!')/y;
const BASIC = /"(?:[^"\\\n]|\\.)*"/y;
const LITERAL = /'[^'\n]*'/y;
const BARE_VALUE = /[^,\]}#\n]+/y;

/** Positions of a document's keys, asked by path. */
export class KeyPositions {
  readonly #found: ReadonlyMap<string, Position>;

  constructor(toml: string) {
    this.#found = new Scanner(toml).scan();
  }

  /** The position of `path`, or of its nearest ancestor that is written down; `undefined` when none is. */
  find(path: KeyPath): Position | undefined {
    for (let length = path.length; length > 0; length--) {
      const position = this.#found.get(JSON.stringify(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return undefined;
  }
}

class Scanner {
  readonly #toml: string;
  readonly #found = new Map<string, Position>();
  /** How many tables each `[[array]]` has by now. */
  readonly #counts = new Map<string, number>();
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #counted = 0;

  constructor(toml: string) {
    this.#toml = toml;
  }

  scan(): ReadonlyMap<string, Position> {
    let table: KeyPath = [];
    for (;;) {
      this.#skip(BLANK);
      if (this.#at >= this.#toml.length) return this.#found;
      const before = this.#at;
      if (this.#toml[this.#at] === '[') table = this.#header();
      else this.#pair(table, 0);
      if (this.#at === before) return this.#found;
    }
  }

  /** `[a.b]` or `[[a.b]]`; an array's path gets the index of its newest table. */
  #header(): KeyPath {
    const array = this.#toml.startsWith('[[', this.#at);
    const start = this.#at;
    this.#at += array ? 2 : 1;
    let path: KeyPath = [];
    const words = this.#key([]);
    for (const [index, word] of words.entries()) {
      path = [...path, word];
      const id = JSON.stringify(path);
      const count = this.#counts.get(id);
      if (array && index === words.length - 1) {
        this.#counts.set(id, (count ?? 0) + 1);
        path = [...path, count ?? 0];
        this.#note(path, start);
      } else if (count !== undefined) path = [...path, count - 1];
    }
    this.#skip(SPACE);
    this.#at += array ? 2 : 1;
    return path;
  }

  #pair(table: KeyPath, depth: number): void {
    const path = this.#key(table);
    this.#skip(SPACE);
    if (this.#toml[this.#at] !== '=') {
      this.#giveUp();
      return;
    }
    this.#at++;
    this.#skip(SPACE);
    this.#value(path, depth);
  }

  /** A dotted key; notes the position of each part that is new. */
  #key(table: KeyPath): KeyPath {
    let path = table;
    for (;;) {
      this.#skip(SPACE);
      const start = this.#at;
      const word = this.#word();
      if (word === undefined) {
        this.#giveUp();
        return path;
      }
      path = [...path, word];
      this.#note(path, start);
      this.#skip(SPACE);
      if (this.#toml[this.#at] !== '.') return path;
      this.#at++;
    }
  }

  #word(): string | undefined {
    const quoted = this.#take(BASIC) ?? this.#take(LITERAL);
    if (quoted === undefined) return this.#take(BARE_KEY);
    if (quoted.startsWith("'") || !quoted.includes('\\')) return quoted.slice(1, -1);
    try {
      return JSON.parse(quoted) as string;
    } catch {
      // An escape that TOML has and JSON has not: the key is not found by its path, nothing more.
      return quoted;
    }
  }

  #value(path: KeyPath, depth: number): void {
    const first = this.#toml[this.#at];
    if (depth > DEPTH_MAX) this.#giveUp();
    else if (first === '[') this.#array(path, depth + 1);
    else if (first === '{') this.#inlineTable(path, depth + 1);
    else this.#scalar();
  }

  #scalar(): void {
    const text = this.#take(MULTI_BASIC) ?? this.#take(MULTI_LITERAL) ?? this.#take(BASIC) ?? this.#take(LITERAL);
    if (text === undefined) this.#skip(BARE_VALUE);
  }

  #array(path: KeyPath, depth: number): void {
    this.#at++;
    for (let index = 0; ; index++) {
      this.#skip(BLANK);
      if (this.#at >= this.#toml.length || this.#toml[this.#at] === ']') break;
      const element = [...path, index];
      this.#note(element, this.#at);
      this.#value(element, depth);
      this.#skip(BLANK);
      if (this.#toml[this.#at] !== ',') break;
      this.#at++;
    }
    this.#at++;
  }

  #inlineTable(path: KeyPath, depth: number): void {
    this.#at++;
    for (;;) {
      this.#skip(BLANK);
      if (this.#at >= this.#toml.length || this.#toml[this.#at] === '}') break;
      this.#pair(path, depth);
      this.#skip(BLANK);
      if (this.#toml[this.#at] !== ',') break;
      this.#at++;
    }
    this.#at++;
  }

  #note(path: KeyPath, at: number): void {
    const id = JSON.stringify(path);
    if (this.#found.has(id)) return;
    for (let next = this.#toml.indexOf('\n', this.#counted); next >= 0 && next < at; ) {
      this.#line++;
      this.#lineStart = next + 1;
      this.#counted = next + 1;
      next = this.#toml.indexOf('\n', this.#counted);
    }
    this.#found.set(id, { line: this.#line, column: at - this.#lineStart + 1 });
  }

  #skip(form: RegExp): void {
    this.#take(form);
  }

  #take(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const match = form.exec(this.#toml);
    if (match === null) return undefined;
    this.#at = form.lastIndex;
    return match[0];
  }

  #giveUp(): void {
    this.#at = this.#toml.length;
  }
}
