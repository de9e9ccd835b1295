import { RuntimeError } from '../../errors/index.ts';

/** Where a guest's own functions are among those of its admitted core module. */
export interface GuestFunctions {
  /** Index of the first one. */
  readonly first: number;
  readonly count: number;
  /** How much less their indices are in the module as its author made it. */
  readonly shift: number;
}

/** Frames of a guest in one error. V8 keeps ten frames, and some are the host's. */
const FRAMES_MAX = 10;

/**
 * A frame in V8's text: `at 0.name (wasm://wasm/0-1a2b3c4d:wasm-function[7]:0x5b)`, where "0" is the name of the module.
 * What a guest calls its functions has no line break in it: admission saw to that.
 */
const FRAME = /^\s*at \d+(?:\.(.*))? \(wasm:\/\/wasm\/(\d+)-[0-9a-f]+:wasm-function\[(\d+)\]:0x[0-9a-f]+\)$/su;

/** What would garble a terminal, beyond the control characters that admission took out. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * The same failure with the guest's functions that it came out of in `details.backtrace`, innermost first: each as
 * `name [module:function]`, numbered as in the component. The error itself if it is no trap or there are none.
 *
 * @param modules By the names that admission gave the core modules: "0", "1" and so on.
 */
export function withBacktrace(reason: RuntimeError, modules: readonly GuestFunctions[]): RuntimeError {
  if (reason.code !== 'COMPONENT_TRAPPED') return reason;
  const backtrace = framesOf(reason.cause instanceof Error ? reason.cause : reason, modules);
  if (backtrace.length === 0) return reason;
  const details = { ...reason.details, backtrace };
  return new RuntimeError(reason.code, reason.message, { details, cause: reason.cause });
}

function framesOf(error: Error, modules: readonly GuestFunctions[]): readonly string[] {
  const frames: string[] = [];
  for (const line of linesOf(error)) {
    const [, name, key, number] = FRAME.exec(line) ?? [];
    const functions = modules[Number(key)];
    const nth = Number(number) - (functions?.first ?? 0);
    if (functions === undefined || nth < 0 || nth >= functions.count) continue;
    frames.push(`${(name ?? 'function').replaceAll(UNPRINTABLE, '?')} [${key}:${Number(number) - functions.shift}]`);
    if (frames.length === FRAMES_MAX) break;
  }
  return frames;
}

/** Programs can replace how stacks are written, and by whatever they like. */
function linesOf(error: Error): readonly string[] {
  try {
    const { stack } = error;
    return typeof stack === 'string' ? stack.split('\n') : [];
  } catch {
    return [];
  }
}
