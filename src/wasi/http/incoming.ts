import { type Err, err, type Guest, ok, type Result, trap } from '../guest/index.ts';
import type { HttpBodySource, HttpExchange, RawHeaders } from './exchange.ts';
import { withoutForbidden } from './field-rules.ts';
import { Fields } from './fields.ts';
import { IncomingBody } from './incoming-body.ts';
import { type Method, type Scheme, toMethod, toScheme } from './variants.ts';

const CONSUMED: Err<undefined> = Object.freeze(err(undefined));

/** The `incoming-request` resource: looks at what the server has, and makes what the guest asks for. */
export class IncomingRequest {
  readonly guest: Guest;
  /** Nothing once the exchange is over: a guest that keeps its requests shall not keep the server's. */
  private exchange: HttpExchange | undefined;
  private body: IncomingBody | undefined;

  constructor(guest: Guest, exchange: HttpExchange) {
    guest.hold();
    this.guest = guest;
    this.exchange = exchange;
    this.body = undefined;
  }

  method(): Method {
    return toMethod(this.open().method);
  }

  pathWithQuery(): string | undefined {
    return this.open().pathWithQuery;
  }

  scheme(): Scheme {
    return toScheme(this.open().scheme);
  }

  authority(): string | undefined {
    return this.open().authority;
  }

  headers(): Fields {
    return new Fields(this.guest, withoutForbidden(this.open().rawHeaders));
  }

  /** The body, empty if there is none; once. */
  consume(): Result<IncomingBody, undefined> {
    const exchange = this.open();
    if (this.body !== undefined) return CONSUMED;
    this.body = new IncomingBody(this.guest, exchange.body());
    return ok(this.body);
  }

  /** The exchange is over. */
  close(): void {
    this.exchange = undefined;
    this.body?.close();
  }

  drop(): void {
    this.guest.release();
  }

  private open(): HttpExchange {
    return this.exchange ?? trap('Cannot use the request: its handling is over');
  }
}

/** What a client hears of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: HttpBodySource;
}

/** The `incoming-response` resource. */
export class IncomingResponse {
  readonly guest: Guest;
  readonly status: number;
  private readonly rawHeaders: RawHeaders;
  private source: HttpBodySource | undefined;

  constructor(guest: Guest, { status, headers, body }: ResponseHead) {
    guest.hold();
    this.guest = guest;
    this.status = status;
    this.rawHeaders = withoutForbidden(headers);
    this.source = body;
  }

  headers(): Fields {
    return new Fields(this.guest, this.rawHeaders);
  }

  /** The body; once. */
  consume(): Result<IncomingBody, undefined> {
    if (this.source === undefined) return CONSUMED;
    const body = new IncomingBody(this.guest, this.source);
    this.source = undefined;
    return ok(body);
  }

  drop(): void {
    this.guest.release();
    this.source?.close();
    this.source = undefined;
  }
}
