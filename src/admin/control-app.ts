import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import {
  PROBLEM_CONTENT_TYPE,
  parseAskRequest,
  parseTellRequest,
  REQUEST_BODY_BYTES_MAX,
  ROUTES,
  toProblem,
} from '../api/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Clock, TokenBucket } from '../time/index.ts';
import type { ControlPlane } from './control-plane.ts';
import { createMonitoringApp } from './monitoring-app.ts';
import { covers, roleFor } from './roles.ts';
import { holderOf, type TokenHolder } from './token.ts';

/** Wrong tokens that are answered as such; more are answered that they are too many, without a look at more than the token. */
const WRONG_TOKENS_PER_SECOND = 5;

const TOO_MANY = 'Too many wrong tokens came lately; try again in a second';

/** Nothing of this is a page: no browser is to show, run, frame or keep any of it. */
const HEADERS = {
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  xFrameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
  crossOriginResourcePolicy: 'same-origin',
} satisfies Parameters<typeof secureHeaders>[0];

/** What is known of a request. */
interface Env {
  Variables: { readonly holder: TokenHolder };
}

/** What an ask may take beyond its own deadline before the control port gives up on the plane. */
const ASK_GRACE_MS = 1_000;

export interface ControlAppOptions {
  readonly plane: ControlPlane;
  /** Whose tokens a client may send as `Authorization: Bearer …`. */
  readonly holders: readonly TokenHolder[];
  readonly clock: Clock;
}

/** Builds the control API over `plane`. It listens nowhere yet: tests call `app.request`. */
export function createControlApp(options: ControlAppOptions): Hono<Env> {
  const { plane } = options;
  const app = new Hono<Env>();
  app.use(secureHeaders(HEADERS));
  app.use(async (context, next) => {
    await next();
    // What is said here is of this moment, and of nobody else's concern.
    context.res.headers.set('cache-control', 'no-store');
  });
  app.onError((error) => problemResponse(toPublicError(error)));
  app.notFound((context) => {
    const text = `No route answers ${context.req.method} ${context.req.path.slice(0, 200)}`;
    return problemResponse(new RuntimeError('OPERATION_UNKNOWN', text));
  });
  app.use(guard(options));
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
    await plane.permit({ action: 'state.remove', actor, principal: context.get('holder').name });
    await plane.removeState(actor);
    return context.json({ removed: true });
  });
  app.get(ROUTES.outbox.path, async (context) => context.json(await plane.outbox()));
  app.post(ROUTES.removeMessages.path, async (context) => {
    const actor = context.req.param('actor');
    await plane.permit({ action: 'messages.remove', actor, principal: context.get('holder').name });
    return context.json({ removed: await plane.removeMessages(actor) });
  });
  app.get(ROUTES.deadLetters.path, (context) => context.json({ deadLetters: plane.deadLetters() }));
  app.get(ROUTES.health.path, (context) => context.json(plane.health()));
  app.route('/', createMonitoringApp(plane, false));
  app.post(ROUTES.ask.path, async (context) => ask(options, context, context.req.param('actor')));
  app.post(ROUTES.tell.path, async (context) => {
    const request = parseTellRequest(await readJson(context));
    const actor = context.req.param('actor');
    await plane.permit({ action: 'actor.tell', actor, op: request.op, principal: context.get('holder').name });
    const sent = plane.tell({ actor, ...request });
    if (!sent.ok) throw RuntimeError.fromWire(sent.error);
    return context.json({ accepted: true }, 202);
  });
  app.post(ROUTES.stop.path, async (context) => {
    await plane.permit({ action: 'application.stop', principal: context.get('holder').name });
    // The answer leaves first: stopping closes this port. What goes wrong then is the runtime's to report.
    options.clock.soon(() => void plane.stop().catch(() => undefined));
    return context.json({ stopping: true }, 202);
  });
  return app;
}

/** Lets those pass whose token allows what they want; others are counted, and those who try again and again are told to wait. */
function guard({ plane, holders, clock }: ControlAppOptions): MiddlewareHandler<Env> {
  const wrong = new TokenBucket(clock, WRONG_TOKENS_PER_SECOND);
  return async (context, next) => {
    const { method, path } = context.req;
    const holder = holderOf(context.req.header('authorization'), holders);
    if (holder === undefined) {
      plane.noteIntrusion(path);
      // A right token passes in any case: who guesses locks nobody out.
      if (!wrong.tryTake(1)) return problemResponse(new RuntimeError('CONTROL_THROTTLED', TOO_MANY));
      return problemResponse(new RuntimeError('CONTROL_UNAUTHORIZED', 'The control port needs a token'));
    }
    const needed = roleFor(method, path);
    if (!covers(holder.role, needed)) {
      plane.noteIntrusion(path, holder.name);
      const text = `"${holder.name}" is ${holder.role}, and ${method} ${path.slice(0, 200)} needs ${needed}`;
      return problemResponse(new RuntimeError('CONTROL_FORBIDDEN', text, { details: { needed, role: holder.role } }));
    }
    context.set('holder', holder);
    return next();
  };
}

async function ask({ plane, clock }: ControlAppOptions, context: Context<Env>, actor: string): Promise<Response> {
  const request = parseAskRequest(await readJson(context));
  await plane.permit({ action: 'actor.ask', actor, op: request.op, principal: context.get('holder').name });
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

async function readJson(context: Context<Env>): Promise<unknown> {
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
