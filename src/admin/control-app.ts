import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import {
  PROBLEM_CONTENT_TYPE,
  parseAskRequest,
  parseTellRequest,
  REQUEST_BODY_BYTES_MAX,
  ROUTES,
  toProblem,
} from '../api/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { ControlPlane } from './control-plane.ts';
import { createMonitoringApp } from './monitoring-app.ts';
import { isAuthorized } from './token.ts';

/** What an ask may take beyond its own deadline before the control port gives up on the plane. */
const ASK_GRACE_MS = 1_000;

export interface ControlAppOptions {
  readonly plane: ControlPlane;
  /** What a client must send as `Authorization: Bearer …`. */
  readonly token: string;
  readonly clock: Clock;
}

/** Builds the control API over `plane`. It listens nowhere yet: tests call `app.request`. */
export function createControlApp(options: ControlAppOptions): Hono {
  const { plane, token } = options;
  const app = new Hono();
  app.onError((error) => problemResponse(toPublicError(error)));
  app.notFound((context) => {
    const text = `No route answers ${context.req.method} ${context.req.path.slice(0, 200)}`;
    return problemResponse(new RuntimeError('OPERATION_UNKNOWN', text));
  });
  app.use(async (context, next) => {
    if (isAuthorized(context.req.header('authorization'), token)) return next();
    plane.noteIntrusion(context.req.path);
    return problemResponse(new RuntimeError('CONTROL_UNAUTHORIZED', 'The control port needs the token of this run'));
  });
  app.use(bodyLimit({ maxSize: REQUEST_BODY_BYTES_MAX, onError: () => problemResponse(tooLarge()) }));
  app.get(ROUTES.application.path, (context) => context.json(plane.application()));
  app.get(ROUTES.actors.path, async (context) => {
    await plane.look();
    return context.json({ actors: plane.actors() });
  });
  app.get(ROUTES.operations.path, (context) =>
    context.json({ operations: plane.operations(context.req.param('actor')) }),
  );
  app.get(ROUTES.states.path, async (context) => context.json(await plane.states()));
  app.get(ROUTES.state.path, async (context) => context.json(await plane.state(context.req.param('actor'))));
  app.post(ROUTES.removeState.path, async (context) => {
    const actor = context.req.param('actor');
    await plane.permit({ action: 'state.remove', actor });
    await plane.removeState(actor);
    return context.json({ removed: true });
  });
  app.get(ROUTES.outbox.path, async (context) => context.json(await plane.outbox()));
  app.post(ROUTES.removeMessages.path, async (context) => {
    const actor = context.req.param('actor');
    await plane.permit({ action: 'messages.remove', actor });
    return context.json({ removed: await plane.removeMessages(actor) });
  });
  app.get(ROUTES.deadLetters.path, (context) => context.json({ deadLetters: plane.deadLetters() }));
  app.get(ROUTES.health.path, (context) => context.json(plane.health()));
  app.route('/', createMonitoringApp(plane));
  app.post(ROUTES.ask.path, async (context) => ask(options, context, context.req.param('actor')));
  app.post(ROUTES.tell.path, async (context) => {
    const request = parseTellRequest(await readJson(context));
    const actor = context.req.param('actor');
    await plane.permit({ action: 'actor.tell', actor, op: request.op });
    const sent = plane.tell({ actor, ...request });
    if (!sent.ok) throw RuntimeError.fromWire(sent.error);
    return context.json({ accepted: true }, 202);
  });
  app.post(ROUTES.stop.path, async (context) => {
    await plane.permit({ action: 'application.stop' });
    // The answer leaves first: stopping closes this port. What goes wrong then is the runtime's to report.
    options.clock.soon(() => void plane.stop().catch(() => undefined));
    return context.json({ stopping: true }, 202);
  });
  return app;
}

async function ask({ plane, clock }: ControlAppOptions, context: Context, actor: string): Promise<Response> {
  const request = parseAskRequest(await readJson(context));
  await plane.permit({ action: 'actor.ask', actor, op: request.op });
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  // The plane keeps the deadline; this is for a plane that does not, so that no request can wait for ever.
  const timer = clock.after(request.timeoutMs + ASK_GRACE_MS, () => {
    reject(new RuntimeError('ASK_TIMEOUT', `No reply came from "${actor}" within ${request.timeoutMs} ms`));
  });
  try {
    const reply = plane.ask({ actor, ...request, signal: context.req.raw.signal });
    return context.json({ payload: await Promise.race([reply, overdue]) });
  } finally {
    timer.cancel();
  }
}

async function readJson(context: Context): Promise<unknown> {
  const text = await context.req.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RuntimeError('MESSAGE_INVALID', 'Cannot take the request: the body is not JSON', { cause });
  }
}

/** What is not ours may hold anything; only its code leaves the process. */
function toPublicError(error: unknown): RuntimeError {
  if (RuntimeError.is(error)) return error;
  return new RuntimeError('INTERNAL', 'The control port failed on this request', { cause: error });
}

function tooLarge(): RuntimeError {
  return new RuntimeError(
    'MESSAGE_INVALID',
    `Cannot take the request: its body exceeds ${REQUEST_BODY_BYTES_MAX} bytes`,
  );
}

function problemResponse(error: RuntimeError): Response {
  const problem = toProblem(error);
  const headers: Record<string, string> = { 'content-type': PROBLEM_CONTENT_TYPE };
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
