import { type Err, err, type Guest, OK, type Ok, ok, type Result } from '../guest/index.ts';
import type { RawHeaders } from './exchange.ts';
import { contentLengthOf } from './field-rules.ts';
import { Fields } from './fields.ts';
import { type BodyKind, OutgoingBody } from './outgoing-body.ts';
import {
  fromMethod,
  fromScheme,
  isAuthority,
  isPathWithQuery,
  type Method,
  type Scheme,
  toMethod,
  toScheme,
} from './variants.ts';

const REFUSED: Err<undefined> = Object.freeze(err(undefined));

type Setting = Ok<undefined> | Err<undefined>;

/** What requests and responses that a guest makes have in common. */
class OutgoingMessage {
  readonly guest: Guest;
  readonly rawHeaders: RawHeaders;
  /** Nothing while the guest has not taken it. */
  outgoingBody: OutgoingBody | undefined;
  private readonly fields: Fields;
  private readonly kind: BodyKind;

  /** @param fields The guest's no more. */
  constructor(guest: Guest, kind: BodyKind, fields: Fields) {
    guest.hold();
    this.guest = guest;
    this.kind = kind;
    this.fields = fields;
    this.rawHeaders = fields.consume();
    this.outgoingBody = undefined;
  }

  headers(): Fields {
    return new Fields(this.guest, this.rawHeaders);
  }

  /** The body; once, and not if its length cannot be told. */
  body(): Result<OutgoingBody, undefined> {
    const promised = contentLengthOf(this.rawHeaders);
    if (this.outgoingBody !== undefined || promised === 'invalid') return REFUSED;
    this.outgoingBody = new OutgoingBody(this.guest, this.kind, promised);
    return ok(this.outgoingBody);
  }

  /** The guest has given it away, or lets go of it. */
  consume(): void {
    this.guest.release();
    this.fields.forget();
  }

  /** A message that goes nowhere takes its body along. */
  drop(): void {
    this.consume();
    this.outgoingBody?.abort(this.outgoingBody.incomplete());
  }
}

/** Three digits. */
const STATUS_MIN = 100;
const STATUS_MAX = 999;
const STATUS_OK = 200;

/** The `outgoing-response` resource. */
export class OutgoingResponse extends OutgoingMessage {
  status: number;

  constructor(guest: Guest, fields: Fields) {
    super(guest, 'response', fields);
    this.status = STATUS_OK;
  }

  setStatus(status: number): Setting {
    if (status < STATUS_MIN || status > STATUS_MAX) return REFUSED;
    this.status = status;
    return OK;
  }
}

/** The `outgoing-request` resource. Whether the whole makes sense is said when it is sent. */
export class OutgoingRequest extends OutgoingMessage {
  methodName: string;
  path: string | undefined;
  schemeName: string | undefined;
  authority: string | undefined;

  constructor(guest: Guest, fields: Fields) {
    super(guest, 'request', fields);
    this.methodName = 'GET';
    this.path = undefined;
    this.schemeName = undefined;
    this.authority = undefined;
  }

  method(): Method {
    return toMethod(this.methodName);
  }

  setMethod(value: unknown): Setting {
    const name = fromMethod(value);
    if (name === undefined) return REFUSED;
    this.methodName = name;
    return OK;
  }

  setPathWithQuery(path: string | undefined): Setting {
    if (path !== undefined && !isPathWithQuery(path)) return REFUSED;
    this.path = path;
    return OK;
  }

  scheme(): Scheme | undefined {
    return this.schemeName === undefined ? undefined : toScheme(this.schemeName);
  }

  setScheme(value: unknown): Setting {
    const name = value === undefined ? undefined : fromScheme(value);
    if (value !== undefined && name === undefined) return REFUSED;
    this.schemeName = name;
    return OK;
  }

  setAuthority(authority: string | undefined): Setting {
    if (authority !== undefined && !isAuthority(authority)) return REFUSED;
    this.authority = authority;
    return OK;
  }
}

/** Nanoseconds, or nothing for the default. */
export type Timeout = bigint | undefined;

/** The `request-options` resource. */
export class RequestOptions {
  readonly guest: Guest;
  connect: Timeout;
  firstByte: Timeout;
  betweenBytes: Timeout;

  constructor(guest: Guest) {
    guest.hold();
    this.guest = guest;
    this.connect = undefined;
    this.firstByte = undefined;
    this.betweenBytes = undefined;
  }

  drop(): void {
    this.guest.release();
  }
}
