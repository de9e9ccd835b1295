import type { ConfigProblem } from '../config/index.ts';
import { ERROR_KINDS, RuntimeError } from '../errors/index.ts';
import type { CliContext } from './context.ts';
import { interruptExitCode } from './interrupts.ts';
import { paint, sanitize, sanitizeLine, toJson, writeLine } from './text.ts';

/** How a command writes its result. */
export type OutputFormat = 'table' | 'json';

/** What a program that aborts ends with (128 + SIGABRT), and `wasmtime run` when its guest traps. */
const TRAPPED_EXIT_CODE = 134;

/** Lines of help that are shown; details may come from another process. */
const HELP_LINES_MAX = 20;

/**
 * Says on standard error what went wrong, and returns the exit code. With `json`: one line with an object, so that
 * standard output holds results only.
 */
export function reportError(context: CliContext, thrown: unknown, format: OutputFormat): number {
  const error = RuntimeError.from(thrown);
  const exitCode = toExitCode(context, error);
  if (format === 'json') {
    const { code, kind, message, details } = error;
    writeLine(context.stderr, toJson({ error: { code, kind, message, details, exitCode } }, 'line'));
    return exitCode;
  }
  const { stderr } = context;
  const label = paint(stderr, ['red', 'bold'], `error[${error.code}]`);
  writeLine(stderr, `${label}: ${sanitize(headline(error))}`);
  for (const line of problemLines(error)) writeLine(stderr, line);
  for (const line of helpLines(error)) writeLine(stderr, `${paint(stderr, 'cyan', 'help')}: ${line}`);
  if (error.kind === 'internal') writeLine(stderr, sanitize(stackOf(error)));
  return exitCode;
}

/** A command that was interrupted ends as its interrupt says, whatever error that led to; a guest that traps has aborted. */
function toExitCode(context: CliContext, error: RuntimeError): number {
  const { interrupt } = context.interrupts;
  if (interrupt !== undefined && error.kind === 'cancelled') return interruptExitCode(interrupt);
  return error.code === 'COMPONENT_TRAPPED' ? TRAPPED_EXIT_CODE : ERROR_KINDS[error.kind].exitCode;
}

function headline(error: RuntimeError): string {
  const { summary, problemCount } = error.details;
  if (typeof summary !== 'string' || typeof problemCount !== 'number') return error.message;
  return problemCount === 1 ? `${summary}: 1 mistake` : `${summary}: ${problemCount} mistakes`;
}

function problemLines(error: RuntimeError): string[] {
  const { problems, problemCount } = error.details;
  if (!Array.isArray(problems)) return [];
  const lines = (problems as readonly ConfigProblem[]).flatMap((problem) => {
    const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
    const key = problem.key === '' ? '' : `${problem.key} `;
    const text = sanitizeLine(`${key}${problem.message}`);
    return [
      `  ${sanitizeLine(place)}: ${text}`,
      ...(problem.help === undefined ? [] : [`    ${sanitizeLine(problem.help)}`]),
    ];
  });
  const more = typeof problemCount === 'number' ? problemCount - problems.length : 0;
  return more > 0 ? [...lines, `  … and ${more} more`] : lines;
}

function helpLines(error: RuntimeError): string[] {
  const { help } = error.details;
  const lines = Array.isArray(help) ? help : typeof help === 'string' ? [help] : [];
  return lines.slice(0, HELP_LINES_MAX).map((line) => sanitizeLine(String(line)));
}

/** The stack of what was thrown first: a bug is found there, not where it was wrapped. */
function stackOf(error: RuntimeError): string {
  const origin = error.cause instanceof Error ? error.cause : error;
  return origin.stack ?? origin.message;
}
