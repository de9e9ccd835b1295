/** Fences of a Markdown file that are marked to be run, and its links. */

/** Something to run, and what it must print. */
export interface Example {
  readonly language: string;
  readonly code: string;
  /** Line of the file, for messages. */
  readonly line: number;
  /** It goes on for ever: it is interrupted when its output has this text. */
  readonly until: string | undefined;
  /** Lines that its output must have, in this order. */
  readonly expected: readonly string[];
}

const FENCE = /<!-- test: (run|output)(?: until "([^"]+)")? -->\n```(\w+)\n([\s\S]*?)```/g;

/** The marked fences of `text`; an `output` belongs to the `run` before it. */
export function examplesOf(text: string): Example[] {
  const found: Example[] = [];
  for (const match of text.matchAll(FENCE)) {
    const [, kind, until, language = '', code = ''] = match;
    if (kind === 'run') {
      found.push({ language, code, line: text.slice(0, match.index).split('\n').length + 1, until, expected: [] });
      continue;
    }
    const last = found.pop();
    if (last === undefined) throw new Error('An output stands before any example');
    found.push({ ...last, expected: code.split('\n').filter((line) => line.trim() !== '') });
  }
  return found;
}

/** The first of `expected` that `output` does not have after those before it. */
export function firstMissingLine(output: string, expected: readonly string[]): string | undefined {
  let at = 0;
  for (const line of expected) {
    const found = output.indexOf(line, at);
    if (found < 0) return line;
    at = found + line.length;
  }
  return undefined;
}

/** Targets of the links of `text` that lead to files, without fragments. */
export function fileLinksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!.split('#', 1)[0]!)
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

/** Paths of this project that `text` names in code marks; one with a placeholder (`<…>`, `*`, `NAME`) is not a path. */
export function namedPathsOf(text: string): string[] {
  const named = text.matchAll(/`((?:src|test|scripts|docs|wit|fixtures|examples|bench)\/[\w./-]*)`/g);
  return [...named].map((match) => match[1]!).filter((path) => !/NAME|<|\*/.test(path));
}
