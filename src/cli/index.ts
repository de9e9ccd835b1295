/**
 * Command line: `troupe up`, `run`, `inspect`, `ps`, `ask`, `tell`.
 *
 * Guarantees
 *   CM1  Every failure is one error with its code, the place and what to do, on standard error; the exit code follows
 *        from its kind. With `--output json` errors and results are JSON; standard output holds results only.
 *   CM2  Text of a guest reaches a terminal without control characters or escape sequences, except through `run`, whose
 *        guest owns the terminal's streams as any command does.
 *   CM3  The first Ctrl-C ends `up` in order, the second at once; both leave no socket, token or address behind. Other
 *        commands end at once.
 *   CM4  Colours and live pictures appear on terminals only, and not when `NO_COLOR` is set.
 *   CM5  The engine is loaded only by commands that run or read components; configuration and pictures only by those that
 *        need them.
 *   CM6  What guests print to `up` waits for its reader in at most 1 MiB; then the guests wait.
 * Limits      a payload has at most 764 KiB; a picture shows 20 actors and what fits the terminal.
 * Not here    how an application is built (runtime/), what configuration means (config/), the protocol (api/).
 *
 * @module
 */
export type { CliContext, InputStream, OutputStream } from './context.ts';
export { type Interrupt, Interrupts } from './interrupts.ts';
export { createProgram, runCli } from './run-cli.ts';
export type { RuntimePort } from './runtime-port.ts';
