import { HostResourceType } from '../../component/index.ts';
import {
  asBytes,
  asList,
  asListOf,
  asResource,
  asText,
  asU32,
  asU64,
  defineInterfaces,
  type Guest,
  OK,
  ok,
} from '../guest/index.ts';
import { IoError } from '../io/index.ts';
import { type HttpErrorCode, HttpFailure } from './error-code.ts';
import { Fields } from './fields.ts';
import { IncomingRequest, IncomingResponse } from './incoming.ts';
import { FutureTrailers, IncomingBody } from './incoming-body.ts';
import { ResponseOutparam } from './open-exchange.ts';
import { OutgoingRequest, OutgoingResponse, RequestOptions, type Timeout } from './outgoing.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { FutureIncomingResponse, send } from './outgoing-handler.ts';

const asFields = (value: unknown) => asResource(value, Fields);
const asIncomingRequest = (value: unknown) => asResource(value, IncomingRequest);
const asIncomingResponse = (value: unknown) => asResource(value, IncomingResponse);
const asIncomingBody = (value: unknown) => asResource(value, IncomingBody);
const asFutureTrailers = (value: unknown) => asResource(value, FutureTrailers);
const asOutgoingRequest = (value: unknown) => asResource(value, OutgoingRequest);
const asOutgoingResponse = (value: unknown) => asResource(value, OutgoingResponse);
const asOutgoingBody = (value: unknown) => asResource(value, OutgoingBody);
const asOutparam = (value: unknown) => asResource(value, ResponseOutparam);
const asFutureResponse = (value: unknown) => asResource(value, FutureIncomingResponse);
const asOptions = (value: unknown) => asResource(value, RequestOptions);

const dropped = <T extends { drop(): void }>(name: string) => new HostResourceType<T>(name, (value) => value.drop());

const optional = <T>(value: unknown, as: (value: unknown) => T): T | undefined =>
  value === undefined ? undefined : as(value);

const FIELDS = {
  fields: dropped<Fields>('fields'),
  '[constructor]fields'(this: Guest) {
    return new Fields(this);
  },
  '[static]fields.from-list'(this: Guest, entries: unknown) {
    const fields = new Fields(this);
    for (const entry of asList(entries)) {
      const [name, value] = asList(entry);
      const added = fields.append(asText(name), asBytes(value));
      if (added.tag === 'ok') continue;
      fields.drop();
      return added;
    }
    return ok(fields);
  },
  '[method]fields.get': (self: unknown, name: unknown) => asFields(self).get(asText(name)),
  '[method]fields.has': (self: unknown, name: unknown) => asFields(self).has(asText(name)),
  '[method]fields.set': (self: unknown, name: unknown, values: unknown) =>
    asFields(self).set(asText(name), asListOf(values, asBytes)),
  '[method]fields.delete': (self: unknown, name: unknown) => asFields(self).delete(asText(name)),
  '[method]fields.append': (self: unknown, name: unknown, value: unknown) =>
    asFields(self).append(asText(name), asBytes(value)),
  '[method]fields.entries': (self: unknown) => asFields(self).entries(),
  '[method]fields.clone': (self: unknown) => asFields(self).clone(),
};

const INCOMING = {
  'incoming-request': dropped<IncomingRequest>('incoming-request'),
  '[method]incoming-request.method': (self: unknown) => asIncomingRequest(self).method(),
  '[method]incoming-request.path-with-query': (self: unknown) => asIncomingRequest(self).pathWithQuery(),
  '[method]incoming-request.scheme': (self: unknown) => asIncomingRequest(self).scheme(),
  '[method]incoming-request.authority': (self: unknown) => asIncomingRequest(self).authority(),
  '[method]incoming-request.headers': (self: unknown) => asIncomingRequest(self).headers(),
  '[method]incoming-request.consume': (self: unknown) => asIncomingRequest(self).consume(),
  'incoming-response': dropped<IncomingResponse>('incoming-response'),
  '[method]incoming-response.status': (self: unknown) => asIncomingResponse(self).status,
  '[method]incoming-response.headers': (self: unknown) => asIncomingResponse(self).headers(),
  '[method]incoming-response.consume': (self: unknown) => asIncomingResponse(self).consume(),
  'incoming-body': dropped<IncomingBody>('incoming-body'),
  '[method]incoming-body.stream': (self: unknown) => asIncomingBody(self).stream(),
  '[static]incoming-body.finish': (body: unknown) => asIncomingBody(body).finish(),
  'future-trailers': dropped<FutureTrailers>('future-trailers'),
  '[method]future-trailers.subscribe': (self: unknown) => asFutureTrailers(self).subscribe(),
  '[method]future-trailers.get': (self: unknown) => asFutureTrailers(self).get(),
  'future-incoming-response': dropped<FutureIncomingResponse>('future-incoming-response'),
  '[method]future-incoming-response.subscribe': (self: unknown) => asFutureResponse(self).subscribe(),
  '[method]future-incoming-response.get': (self: unknown) => asFutureResponse(self).get(),
};

const OUTGOING = {
  'outgoing-request': dropped<OutgoingRequest>('outgoing-request'),
  '[constructor]outgoing-request'(this: Guest, headers: unknown) {
    return new OutgoingRequest(this, asFields(headers));
  },
  '[method]outgoing-request.body': (self: unknown) => asOutgoingRequest(self).body(),
  '[method]outgoing-request.method': (self: unknown) => asOutgoingRequest(self).method(),
  '[method]outgoing-request.set-method': (self: unknown, method: unknown) => asOutgoingRequest(self).setMethod(method),
  '[method]outgoing-request.path-with-query': (self: unknown) => asOutgoingRequest(self).path,
  '[method]outgoing-request.set-path-with-query': (self: unknown, path: unknown) =>
    asOutgoingRequest(self).setPathWithQuery(optional(path, asText)),
  '[method]outgoing-request.scheme': (self: unknown) => asOutgoingRequest(self).scheme(),
  '[method]outgoing-request.set-scheme': (self: unknown, scheme: unknown) => asOutgoingRequest(self).setScheme(scheme),
  '[method]outgoing-request.authority': (self: unknown) => asOutgoingRequest(self).authority,
  '[method]outgoing-request.set-authority': (self: unknown, authority: unknown) =>
    asOutgoingRequest(self).setAuthority(optional(authority, asText)),
  '[method]outgoing-request.headers': (self: unknown) => asOutgoingRequest(self).headers(),
  'outgoing-response': dropped<OutgoingResponse>('outgoing-response'),
  '[constructor]outgoing-response'(this: Guest, headers: unknown) {
    return new OutgoingResponse(this, asFields(headers));
  },
  '[method]outgoing-response.status-code': (self: unknown) => asOutgoingResponse(self).status,
  '[method]outgoing-response.set-status-code': (self: unknown, status: unknown) =>
    asOutgoingResponse(self).setStatus(asU32(status)),
  '[method]outgoing-response.headers': (self: unknown) => asOutgoingResponse(self).headers(),
  '[method]outgoing-response.body': (self: unknown) => asOutgoingResponse(self).body(),
  'outgoing-body': dropped<OutgoingBody>('outgoing-body'),
  '[method]outgoing-body.write': (self: unknown) => asOutgoingBody(self).stream(),
  '[static]outgoing-body.finish': (body: unknown, trailers: unknown) =>
    asOutgoingBody(body).finish(optional(trailers, asFields)?.take()),
  'response-outparam': dropped<ResponseOutparam>('response-outparam'),
  '[static]response-outparam.set': (outparam: unknown, answer: unknown) => asOutparam(outparam).set(answer),
  '[method]response-outparam.send-informational': (self: unknown, status: unknown, headers: unknown) =>
    asOutparam(self).sendInformational(asU32(status), asFields(headers)),
};

type TimeoutName = 'connect' | 'firstByte' | 'betweenBytes';

const getTimeout = (name: TimeoutName) => (self: unknown) => asOptions(self)[name];

const setTimeoutOf = (name: TimeoutName) => (self: unknown, duration: unknown) => {
  asOptions(self)[name] = optional(duration, asU64) as Timeout;
  return OK;
};

const OPTIONS = {
  'request-options': dropped<RequestOptions>('request-options'),
  '[constructor]request-options'(this: Guest) {
    return new RequestOptions(this);
  },
  '[method]request-options.connect-timeout': getTimeout('connect'),
  '[method]request-options.set-connect-timeout': setTimeoutOf('connect'),
  '[method]request-options.first-byte-timeout': getTimeout('firstByte'),
  '[method]request-options.set-first-byte-timeout': setTimeoutOf('firstByte'),
  '[method]request-options.between-bytes-timeout': getTimeout('betweenBytes'),
  '[method]request-options.set-between-bytes-timeout': setTimeoutOf('betweenBytes'),
};

/** `wasi:http/types` and `wasi:http/outgoing-handler`: the same for every guest. */
export const HTTP_INTERFACES = defineInterfaces({
  'wasi:http/types': {
    ...FIELDS,
    ...INCOMING,
    ...OUTGOING,
    ...OPTIONS,
    'http-error-code'(error: unknown): HttpErrorCode | undefined {
      const { cause } = asResource(error, IoError);
      return cause instanceof HttpFailure ? cause.errorCode : undefined;
    },
  },
  'wasi:http/outgoing-handler': {
    handle(this: Guest, request: unknown, options: unknown) {
      const asked = optional(options, asOptions);
      return send(this, asOutgoingRequest(request), asked);
    },
  },
});
