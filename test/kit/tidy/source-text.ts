/**
 * Just enough of a lexer to tell code from comments and text, so that a rule about code is not broken by an example in
 * a comment. It assumes what the formatter guarantees: one import a line, single quotes.
 */

/** A source file: its path from the root of the project, with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** After these a `/` begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[=(,:;!&|?{}[+\-*%~^<>\n]|=>|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/;

const REGEX_LITERAL = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
const QUOTED = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** The end of the text part of a template that begins at `at`: behind its closing backtick or behind `${`. */
function templatePart(text: string, at: number): { readonly end: number; readonly opens: boolean } {
  for (let i = at; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '`') return { end: i + 1, opens: false };
    else if (text[i] === '$' && text[i + 1] === '{') return { end: i + 2, opens: true };
  }
  return { end: text.length, opens: false };
}

/** What to do with the piece of text that begins at a position: leave it, or blank it. */
interface Piece {
  readonly end: number;
  readonly kind: 'code' | 'comment' | 'text';
}

class Lexer {
  /** For each template that is open, how many braces are open in its current `${…}`. */
  readonly #templates: number[] = [];

  next(text: string, at: number): Piece {
    const char = text[at];
    const comment = char === '/' ? matchAt(COMMENT, text, at) : undefined;
    if (comment !== undefined) return { end: at + comment.length, kind: 'comment' };
    if (char === "'" || char === '"') return { end: at + (matchAt(QUOTED, text, at)?.length ?? 1), kind: 'text' };
    if (char === '`') return this.#template(text, at + 1);
    if (char === '/' && BEFORE_REGEX.test(text.slice(Math.max(0, at - 12), at))) {
      return { end: at + (matchAt(REGEX_LITERAL, text, at)?.length ?? 1), kind: 'text' };
    }
    const open = this.#templates.length - 1;
    if (open >= 0 && char === '{') this.#templates[open]!++;
    if (open >= 0 && char === '}' && this.#templates[open]!-- === 0) {
      this.#templates.pop();
      return this.#template(text, at + 1);
    }
    return { end: at + 1, kind: 'code' };
  }

  #template(text: string, from: number): Piece {
    const part = templatePart(text, from);
    if (part.opens) this.#templates.push(0);
    return { end: part.end, kind: 'text' };
  }
}

function mask(text: string, hidden: ReadonlySet<Piece['kind']>): string {
  const lexer = new Lexer();
  let result = '';
  for (let at = 0; at < text.length; ) {
    const { end, kind } = lexer.next(text, at);
    const piece = text.slice(at, end);
    result += hidden.has(kind) ? blank(piece) : piece;
    at = end;
  }
  return result;
}

/** `text` with comments blanked; positions and lines stay. */
export function withoutComments(text: string): string {
  return mask(text, new Set(['comment']));
}

/** `text` with comments, strings and regular expressions blanked; positions and lines stay. */
export function codeOnly(text: string): string {
  return mask(text, new Set(['comment', 'text']));
}

/** Every module specifier of `text`: static, type-only, re-exported, dynamic. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const found = code.matchAll(
    /(?:^(?:import|export)\s+(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?)?\s*from\s*|^import\s*|\bimport\(\s*)['"]([^'"\n]+)['"]/gm,
  );
  return [...found].map((match) => match[1]!);
}

/** The number of the line at `index`, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
