/**
 * Board: shows the result in a browser while it grows.
 *
 *   GET /         the page
 *   GET /result   what `report` knows, as JSON; `?species=N` limits the species, 10 if it is not there
 */
import { actor, type HttpAnswer, type IncomingHttpRequest, serve } from 'troupe/guest';
import page from './page.html';

/** The page is one file: it loads nothing, and talks to nobody but this component. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
  'x-content-type-options': 'nosniff',
};

const SPECIES_MAX = 1_000;

function result(request: IncomingHttpRequest): HttpAnswer {
  const species = Number(request.query('species') ?? 10);
  if (!Number.isInteger(species) || species < 1 || species > SPECIES_MAX) {
    return { status: 400, body: { error: `"species" is a number from 1 to ${SPECIES_MAX}` } };
  }
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { headers, body: actor('report').ask('result', String(species)).payload };
}

export const incomingHandler = serve((request) => {
  if (request.method !== 'GET') return { status: 405, headers: { allow: 'GET' } };
  if (request.path === '/') return { headers: PAGE_HEADERS, body: page };
  if (request.path === '/result') return result(request);
  return { status: 404, body: { error: `there is nothing at ${request.path}: try /` } };
});
