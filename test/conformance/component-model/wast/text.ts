/** Reads the script format of WebAssembly's tests as a tree, no further than scripts need: components stay text. */

/** An atom, a string (as bytes) or a list; each knows where it stands. */
export type Node =
  | { readonly kind: 'atom'; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: 'string'; readonly bytes: Uint8Array; readonly start: number; readonly end: number }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly start: number; readonly end: number };

export type List = Extract<Node, { kind: 'list' }>;

/** Spaces and comments, a parenthesis, a string, or anything else up to one of these. */
const TOKEN = /(?:\s|;;[^\n]*)+|\(;|[()]|"(?:[^"\\]|\\.)*"|[^\s()";]+|;/gsu;

/** The lists that `text` consists of. */
export function readScript(text: string): readonly List[] {
  const stack: { items: Node[]; start: number }[] = [{ items: [], start: 0 }];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token] = match;
    const start = match.index;
    const end = start + token.length;
    const top = stack.at(-1) as { items: Node[]; start: number };
    if (token === '(;') TOKEN.lastIndex = endOfComment(text, end);
    else if (token === '(') stack.push({ items: [], start });
    else if (token === ')') {
      if (stack.length < 2) throw new Error(`unmatched parenthesis at ${start}`);
      stack.pop();
      stack.at(-1)?.items.push({ kind: 'list', items: top.items, start: top.start, end });
    } else if (token.startsWith('"')) top.items.push({ kind: 'string', bytes: bytesOf(token), start, end });
    else if (token.trim() !== '' && !token.trimStart().startsWith(';;'))
      top.items.push({ kind: 'atom', text: token, start, end });
  }
  return (stack[0]?.items ?? []).filter((item) => item.kind === 'list');
}

/** Comments in parentheses nest. */
function endOfComment(text: string, from: number): number {
  let at = from;
  for (let depth = 1; depth > 0; ) {
    const open = text.indexOf('(;', at);
    const close = text.indexOf(';)', at);
    if (close < 0) return text.length;
    if (open >= 0 && open < close) depth++;
    else depth--;
    at = (open >= 0 && open < close ? open : close) + 2;
  }
  return at;
}

const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, '"': 34, "'": 39, '\\': 92 };

function bytesOf(token: string): Uint8Array {
  const parts: number[] = [];
  const text = token.slice(1, -1);
  for (const [piece, code, hex] of text.matchAll(/\\u\{([0-9a-fA-F_]+)\}|\\([0-9a-fA-F]{2})|\\.|[^\\]+/gsu)) {
    if (code !== undefined) parts.push(...Buffer.from(String.fromCodePoint(Number.parseInt(code, 16))));
    else if (hex !== undefined) parts.push(Number.parseInt(hex, 16));
    else if (piece.startsWith('\\')) parts.push(ESCAPES[piece[1] as string] ?? 63);
    else parts.push(...Buffer.from(piece));
  }
  return Uint8Array.from(parts);
}

/** The text of a string. */
export function stringOf(node: Node | undefined): string {
  if (node?.kind !== 'string') throw new Error('a string was expected');
  return Buffer.from(node.bytes).toString();
}

/** The atom at `index` of a list, if there is one. */
export function atomAt(list: List, index: number): string | undefined {
  const node = list.items[index];
  return node?.kind === 'atom' ? node.text : undefined;
}

/** What stands first in a list. */
export function headOf(list: List): string {
  return atomAt(list, 0) ?? '';
}
