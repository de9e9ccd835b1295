import { ANY_OPERATION, type OperationInfo } from '../api/index.ts';
import type { ControlClient } from '../client/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** Names that an error lists; what is beyond is counted. */
const LISTED_MAX = 20;

interface Wanted {
  readonly client: ControlClient;
  readonly actor: string;
  readonly op: string;
  readonly signal: AbortSignal;
}

/**
 * Finds the operation that `op` means: its whole name, or its last part if only one operation ends so. An actor that
 * handles messages takes every name.
 *
 * @throws {RuntimeError} `ACTOR_NOT_FOUND`, `OPERATION_UNKNOWN` — with the nearest name, or the names there are.
 */
export async function findOperation({ client, actor, op, signal }: Wanted): Promise<OperationInfo> {
  const operations = await client.operations(actor, signal).catch(async (error: unknown) => {
    if (!RuntimeError.is(error, 'ACTOR_NOT_FOUND')) throw error;
    const names = (await client.actors(signal)).map(({ name }) => name);
    throw withHelp(error, await suggest(actor, names, 'actors are'));
  });
  const exact = operations.find(({ name }) => name === op);
  if (exact !== undefined) return exact;
  const matching = operations.filter(({ name }) => name.endsWith(`#${op}`) || name.endsWith(`/${op}`));
  if (matching.length === 1 && matching[0] !== undefined) return matching[0];
  const any = operations.find(({ name }) => name === ANY_OPERATION);
  if (any !== undefined) return { ...any, name: op };
  const several = matching.map(({ name }) => name);
  if (several.length > 1) {
    throw new RuntimeError('OPERATION_UNKNOWN', `"${actor}" has several operations "${op}"`, {
      details: { help: several.slice(0, LISTED_MAX) },
    });
  }
  const help = await suggestOperation(op, operations);
  throw new RuntimeError('OPERATION_UNKNOWN', `"${actor}" has no operation "${op}"`, { details: { help } });
}

async function suggestOperation(op: string, operations: readonly OperationInfo[]): Promise<string[]> {
  const { nearest } = await import('../config/index.ts');
  const short = new Map(operations.map(({ name }) => [name.slice(name.lastIndexOf('#') + 1), name]));
  const near = nearest(op, short.keys()) ?? nearest(op, short.values());
  if (near !== undefined) return [`did you mean "${near}"?`];
  return suggest(op, [...short.values()], 'operations are');
}

async function suggest(word: string, names: readonly string[], label: string): Promise<string[]> {
  const { nearest } = await import('../config/index.ts');
  const near = nearest(word, names);
  if (near !== undefined) return [`did you mean "${near}"?`];
  if (names.length === 0) return [];
  const more = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : '';
  return [`${label}: ${names.slice(0, LISTED_MAX).join(', ')}${more}`];
}

function withHelp(error: RuntimeError, help: readonly string[]): RuntimeError {
  return new RuntimeError(error.code, error.message, { details: { ...error.details, help }, cause: error.cause });
}
