/** UTF-8, for an engine without `TextEncoder` and `TextDecoder`. */

const REPLACEMENT = 0xfffd;

/** Characters that one call of `fromCharCode` is given; more could exceed the engine's stack. */
const CHUNK = 1_024;

/** `text` in UTF-8; half of a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let size = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code < 0x80) {
      bytes[size++] = code;
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const pair = text.codePointAt(at) as number;
      if (pair > 0xffff) at++;
      code = pair > 0xffff ? pair : REPLACEMENT;
    }
    if (code < 0x800) {
      bytes[size++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[size++] = 0xe0 | (code >> 12);
      } else {
        bytes[size++] = 0xf0 | (code >> 18);
        bytes[size++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[size++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[size++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, size);
}

/**
 * The text that `bytes` are in UTF-8; each wrong sequence becomes U+FFFD.
 *
 * @throws {TypeError} a sequence is wrong, and `fatal`.
 */
export function decodeUtf8(bytes: Uint8Array, fatal = false): string {
  const codes: number[] = [];
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const [code, size] = decodeOne(bytes, at);
    if (code === undefined && fatal) throw new TypeError('The bytes are not valid UTF-8');
    pushCode(codes, code ?? REPLACEMENT);
    at += size;
    if (codes.length >= CHUNK) text += String.fromCharCode(...codes.splice(0));
  }
  return text + String.fromCharCode(...codes);
}

function pushCode(codes: number[], code: number): void {
  if (code <= 0xffff) codes.push(code);
  else codes.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
}

/** The character at `at`, `undefined` if it is wrong, and how many bytes it takes. */
function decodeOne(bytes: Uint8Array, at: number): readonly [code: number | undefined, size: number] {
  const first = bytes[at] as number;
  if (first < 0x80) return [first, 1];
  const more =
    first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
  if (more === 0) return [undefined, 1];
  let code = first & (0x3f >> more);
  for (let offset = 1; offset <= more; offset++) {
    const next = bytes[at + offset];
    const [least, most] = offset === 1 ? secondByte(first) : [0x80, 0xbf];
    if (next === undefined || next < least || next > most) return [undefined, offset];
    code = (code << 6) | (next & 0x3f);
  }
  return [code, 1 + more];
}

/** What may follow `first`: no character in more bytes than it needs, no surrogate, none above U+10FFFF. */
function secondByte(first: number): readonly [least: number, most: number] {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  return first === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf];
}

const UTF8_LABELS = ['utf-8', 'utf8', 'unicode-1-1-utf-8'];

export class GuestTextEncoder {
  readonly encoding = 'utf-8';

  encode(text = ''): Uint8Array {
    return encodeUtf8(String(text));
  }

  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    let [read, written] = [0, 0];
    for (const character of text) {
      const bytes = encodeUtf8(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      read += character.length;
      written += bytes.length;
    }
    return { read, written };
  }
}

/** Whole texts only: `stream` is refused. */
export class GuestTextDecoder {
  readonly encoding = 'utf-8';
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(label = 'utf-8', options: { readonly fatal?: boolean; readonly ignoreBOM?: boolean } = {}) {
    if (!UTF8_LABELS.includes(label.trim().toLowerCase()))
      throw new RangeError(`There is no decoder for "${label}" here`);
    this.fatal = options.fatal ?? false;
    this.ignoreBOM = options.ignoreBOM ?? false;
  }

  decode(input?: ArrayBuffer | ArrayBufferView, options: { readonly stream?: boolean } = {}): string {
    if (options.stream) throw new TypeError('A TextDecoder decodes whole texts only here');
    if (input === undefined) return '';
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    const text = decodeUtf8(bytes, this.fatal);
    return this.ignoreBOM || !text.startsWith('\ufeff') ? text : text.slice(1);
  }
}
