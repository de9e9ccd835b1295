import { ERROR_CODES, ERROR_KINDS, type ErrorCode, type ErrorKind } from '../src/errors/index.ts';

const MEANING: Readonly<Record<ErrorKind, string>> = {
  invalid: 'An input, a file or a setting is wrong; the caller corrects it.',
  denied: 'Not allowed; the operator decides.',
  'not-found': 'There is no such thing, or not any more.',
  conflict: 'The state is another than the caller believed; look again, then decide.',
  overload: 'A bound was reached; try again later, or let the operator raise it.',
  timeout: 'No answer in time. The outcome is unknown.',
  unavailable: 'The other side failed or is not there.',
  cancelled: 'The caller gave up.',
  internal: 'A bug in Troupe, or a broken invariant.',
};

const RETRY = { true: 'yes, later', false: 'no', 'if-idempotent': 'only what may happen twice' } as const;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The text of `docs/reference/errors.md`. */
export function errorsPage(): string {
  const kinds = Object.entries(ERROR_KINDS) as [ErrorKind, (typeof ERROR_KINDS)[ErrorKind]][];
  const codes = Object.entries(ERROR_CODES) as [ErrorCode, (typeof ERROR_CODES)[ErrorCode]][];
  return `<!-- Generated from src/errors/codes.ts by scripts/generate-docs.ts; do not edit. -->
# Errors

Every operating error is a \`RuntimeError\` with a \`code\` of this page. Match on \`error.code\`, never on the text. A code is
never renamed and never reused. Exit code, HTTP status and log level follow from the kind.

## Kinds

${table(
  ['kind', 'meaning', 'exit code', 'HTTP', 'log level'],
  kinds.map(([name, k]) => [`\`${name}\``, MEANING[name], `${k.exitCode}`, `${k.httpStatus}`, k.logLevel]),
)}

## Codes

${table(
  ['code', 'kind', 'summary', 'try again?'],
  codes
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, c]) => [
      `<a id="${name}"></a>\`${name}\``,
      `\`${c.kind}\``,
      c.summary,
      RETRY[`${c.retryable}` as keyof typeof RETRY],
    ]),
)}
`;
}
